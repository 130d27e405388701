"""What every page needs: access, fields, assets, headers, answers and filters. Knows no slice."""
