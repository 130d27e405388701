"""XLSX files as people and programs write them, and as a stranger might to do harm."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from workshops.schedule.importing import FILE_MAX_BYTES, SheetFile, UnreadableSheet, read_sheet
from workshops.schedule.importing.workbooks import UNPACKED_MAX_BYTES

HEADER = ["title", "kind", "starts", "ends", "mode", "booking", "capacity_in_person"]
ROW = ["Open day", "workshop", "2027-05-04", "", "in person", "first come", ""]
#: Cells know no time zone.
at = datetime.fromisoformat
XLSX = "xl/worksheets/sheet1.xml"


def workbook(*rows: list[Any], change: Callable[[Any], None] | None = None, header: list[Any] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in [header or HEADER, *rows]:
        book.active.append(row)
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(*rows: list[Any], **more: Any) -> SheetFile:
    file = read_sheet(workbook(*rows, **more))
    assert file.misfit is None, file.misfit
    return file


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableSheet) as caught:
        read_sheet(data)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def rewritten(data: bytes, **parts: bytes) -> bytes:
    """The workbook with other parts in it: the names have __ for / and end in .xml."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        changed = {f"{name.replace('__', '/')}.xml": content for name, content in parts.items()}
        for name in old.namelist():
            new.writestr(name, changed.pop(name, old.read(name)))
        for name, content in changed.items():
            new.writestr(name, content)
    return out.getvalue()


def sheet_xml(rows: bytes, after: bytes = b"", dimension: bytes = b"A1:G2") -> bytes:
    return (b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="' + dimension
            + b'"/><sheetData>' + rows + b"</sheetData>" + after + b"</worksheet>")


# --- as people write them -------------------------------------------------------------------------------------


def test_dates_times_and_numbers_become_what_a_person_would_write() -> None:
    def shown(book: Any) -> None:
        sheet = book.active
        sheet["C2"].number_format, sheet["C3"].number_format = "dd/mm/yyyy hh:mm", "dd/mm/yyyy"
        sheet["C4"].number_format, sheet["C5"].number_format = "mmm-yy", "dd/mm/yyyy hh:mm"
        sheet["G3"].number_format = "0%"

    file = read(
        ["One", "workshop", at("2027-05-04T10:00"), at("2027-05-04T11:59:59.999700"), "online", "none", 25],
        ["Two", "workshop", date(2027, 5, 4), None, "online", "none", 0.5],
        ["Three", "workshop", date(2016, 11, 1), None, "online", "none", "25"],
        ["Four", "workshop", at("2027-05-04T00:00"), time(12, 30), True, 1234567890123, 2.5],
        change=shown,
    )
    cells = [row.cells for row in file.rows]
    assert [row["starts"] for row in cells] == ["2027-05-04T10:00", "2027-05-04", "2016-11", "2027-05-04T00:00"]
    assert [row["ends"] for row in cells] == ["2027-05-04T12:00", "", "", "12:30"]
    assert [row["capacity_in_person"] for row in cells] == ["25", "50%", "25", "2.5"]
    assert (cells[3]["mode"], cells[3]["booking"]) == ("yes", "1234567890123")
    assert [row.number for row in file.rows] == [2, 3, 4, 5]
    assert file.notes == file.problems == ()


def test_a_formula_is_never_worked_out_and_what_it_showed_is_taken_with_a_note() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ROW)
    sheet.write_formula(1, 0, '=CONCAT("Open"," day")', value="Open day")
    book.close()
    (row,) = read_sheet(out.getvalue()).rows
    assert (row.cells["title"], row.problem) == ("Open day", "")
    assert row.notes == ("A2 holds a formula: “Open day”, which it showed last, is taken",)


def test_a_formula_whose_result_was_not_saved_and_an_error_are_problems_of_their_row() -> None:
    file = read(["=1+1", *ROW[1:]], ["#REF!", *ROW[1:]], ROW)
    assert file.rows[0].problem == "The cell A2 holds a formula, and what it showed was not saved: paste its value"
    assert file.rows[1].problem == "The cell A3 shows an error (#REF!)"
    assert file.rows[2].problem == ""


def test_merged_cells_are_explained() -> None:
    file = read(ROW, ROW, change=lambda book: book.active.merge_cells("C2:C3"))
    assert [row.problem for row in file.rows] == [
        "", "The cell C3 is merged with C2: take the merging off and fill each cell"]  # fmt: skip


def test_of_several_sheets_the_first_visible_one_is_read_and_the_others_are_named() -> None:
    def more(book: Any) -> None:
        book.create_sheet("Notes").append(["something"])
        book.create_sheet("Empty")
        hidden = book.create_sheet("Secret", 0)
        hidden.append(["x"])
        hidden.sheet_state = "hidden"
        book.active.title = "x"
        book["Sheet" if "Sheet" in book.sheetnames else book.sheetnames[1]].title = "Events"

    file = read(ROW, change=more)
    assert [row.cells["title"] for row in file.rows] == ["Open day"]
    assert "The first, “Events”, is read, and not “Notes”." in file.notes[0] and "Secret" not in file.notes[0]


def test_a_sheet_that_calls_itself_a_million_rows_large_is_read_as_far_as_it_goes() -> None:
    data = workbook(ROW)
    rows = zipfile.ZipFile(io.BytesIO(data)).read(XLSX)
    start, end = rows.index(b"<sheetData>") + 11, rows.index(b"</sheetData>")
    far = b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>Far</t></is></c></row>'
    huge = rewritten(data, xl__worksheets__sheet1=sheet_xml(rows[start:end] + far, dimension=b"A1:XFD1048576"))
    assert [row.number for row in read_sheet(huge).rows] == [2, 1048576]
    beyond = far.replace(b"1048576", b"99999999999")
    odd = rewritten(data, xl__worksheets__sheet1=sheet_xml(rows[start:end] + beyond))
    assert [row.number for row in read_sheet(odd).rows] == [2]


def test_text_that_would_run_loses_the_apostrophe_that_the_export_put_there() -> None:
    (row,) = read(["'=1+1", *ROW[1:]]).rows
    assert row.cells["title"] == "=1+1"


# --- other things that are called a spreadsheet ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["content.xml", "mimetype"], "OpenDocument"),
        (["Index/Document.iwa"], "Numbers"),
        (["word/document.xml", "[Content_Types].xml"], "text document"),
        (["xl/workbook.bin", "[Content_Types].xml"], ".xlsb"),
        (["a.txt"], "a zip file and no workbook"),
    ],
)
def test_other_files_in_a_zip_are_named(names: list[str], says: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    assert says in refusal(out.getvalue())


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95, 0.999])
def test_a_workbook_that_breaks_off_is_damaged(keep: float) -> None:
    data = workbook(ROW)
    assert "damaged" in refusal(data[: int(len(data) * keep)])


@pytest.mark.parametrize(
    "xml",
    [
        b"<worksheet", b"not xml", b"", sheet_xml(b'<row r="x"><c r="A1"/></row>'),
        sheet_xml(b'<row><c t="s"><v>9</v></c></row>'),
        sheet_xml(b'<row r="1"><c r="A1" t="b"><v>x</v></c></row>'), sheet_xml(b'<row r="1"><c r="1A"/></row>'),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet_xml(b"<row><c><v>&a;</v></c></row>"),
        sheet_xml(b"<row><c/></row>").decode().encode("utf-16"),
    ],
    ids=range(9),
)  # fmt: skip
def test_a_sheet_that_cannot_be_read_is_damaged(xml: bytes) -> None:
    assert "damaged" in refusal(rewritten(workbook(ROW), xl__worksheets__sheet1=xml))


# --- bombs ----------------------------------------------------------------------------------------------------


def bounded(data: bytes, most: int = 60_000_000) -> str:
    """The sentence, when reading never holds more than so many bytes."""
    tracemalloc.start()
    try:
        said = refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak:,} bytes"
    return said


def test_a_gigabyte_of_zeros_in_a_small_workbook_is_never_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(ROW))) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        with new.open("xl/media/zeros.xml", "w", force_zip64=True) as member:
            for _ in range(1_000):
                member.write(b"\x00" * 1_000_000)
    data = out.getvalue()
    assert len(data) < FILE_MAX_BYTES
    assert f"more than {UNPACKED_MAX_BYTES // 1_000_000} MB" in bounded(data, most=30_000_000)


def test_a_workbook_that_lies_about_its_size_is_damaged() -> None:
    data = bytearray(rewritten(workbook(ROW), xl__worksheets__sheet1=b"<a>" + b"0" * 30_000_000))
    at = data.index(b"PK\x01\x02")
    while at >= 0:  # every entry of the directory says that it unpacks to 100 bytes
        data[at + 24 : at + 28] = (100).to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 1)
    assert "damaged" in bounded(bytes(data), most=30_000_000)


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("xl__worksheets__sheet1", sheet_xml(b"<row>" + b"<c/>" * 2_000_000 + b"</row>")),
        ("xl__worksheets__sheet1", sheet_xml(b"<row/>" * 2_000_000)),
        ("xl__worksheets__sheet1", sheet_xml(b"<row><c/></row>" * 450_000)),
        ("xl__sharedStrings", b"<sst>" + b"<si/>" * 2_000_000 + b"</sst>"),
        ("xl__styles", b"<styleSheet>" + b"<xf/>" * 500_000 + b"</styleSheet>"),
        ("xl__styles", b"<styleSheet>" + b" " * 5_000_000 + b"</styleSheet>"),
        ("xl__worksheets__sheet1", sheet_xml(b"<row/>", after=b'<mergeCell ref="A1:XFD1048576"/>' * 100_000)),
    ],
    ids=["cells", "rows", "cells in rows", "strings", "styles", "spaces", "merges"],
)
def test_millions_of_small_parts_are_counted_before_they_are_read(name: str, xml: bytes) -> None:
    said = bounded(rewritten(workbook(ROW), **{name: xml}))
    assert "Copy the rows" in said


def test_a_thousand_merges_of_the_whole_sheet_cost_little() -> None:
    merges = b'<mergeCells count="9">' + b'<mergeCell ref="A1:XFD1048576"/>' * 1_000 + b"</mergeCells>"
    data = workbook(ROW)
    rows = zipfile.ZipFile(io.BytesIO(data)).read(XLSX)
    start, end = rows.index(b"<sheetData>") + 11, rows.index(b"</sheetData>")
    file = read_sheet(rewritten(data, xl__worksheets__sheet1=sheet_xml(rows[start:end], after=merges)))
    assert "is merged with A1" in file.rows[0].problem and len(file.rows[0].problem) < 600


def test_more_rows_than_may_be_are_refused() -> None:
    assert "more than 5,000 rows" in refusal(workbook(*[ROW] * 5_001))
