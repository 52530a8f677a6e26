"""Makes the PDF files beside this, as other people's programs write packed objects (PDF 1.5).

python3 -m venv v && v/bin/pip install pikepdf==10.18.0 pymupdf==2.0 && v/bin/python make.py

`qpdf.pdf` and `linear.pdf` are written by qpdf (in pikepdf), the second for reading from its beginning; `mupdf.pdf` by MuPDF.
"""

import pikepdf
import pymupdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, String

NAME = "canary-zhang-san"


def page():
    pdf = Pdf.new()
    pdf.add_blank_page(page_size=(200, 200))
    first = pdf.pages[0]
    first.Contents = pdf.make_stream(b"BT /F1 12 Tf 20 100 Td (gas in the shaft) Tj ET")
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    first.Resources = Dictionary(Font=Dictionary(F1=font))
    note = Dictionary(
        Type=Name.Annot, Subtype=Name.Text, Rect=[0, 0, 9, 9],
        Contents=String("a note here"), T=String(NAME), M=String("D:20240510"),
    )
    first.Annots = Array([pdf.make_indirect(note)])
    with pdf.open_metadata(set_pikepdf_as_editor=False) as told:
        told["dc:creator"] = [NAME]
    pdf.docinfo[Name.Title] = String(NAME)
    pdf.docinfo[Name.Author] = String(NAME)
    pdf.docinfo[Name.CreationDate] = String("D:20240510120000+08'00'")
    return pdf


packed = ObjectStreamMode.generate
page().save("qpdf.pdf", object_stream_mode=packed, static_id=True)
page().save("linear.pdf", object_stream_mode=packed, linearize=True, static_id=True)

document = pymupdf.open()
sheet = document.new_page(width=200, height=200)
sheet.insert_text((20, 100), "gas in the shaft")
sheet.add_text_annot((20, 20), "a note here").set_info(title=NAME)
document.set_metadata({"author": NAME, "creationDate": "D:20240510120000+08'00'", "producer": NAME})
document.save("mupdf.pdf", use_objstms=1, deflate=1, garbage=3, no_new_id=1)
