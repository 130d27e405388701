"""Staff accounts: invitations, passwords, roles and sign-ins. The public never has an account."""
