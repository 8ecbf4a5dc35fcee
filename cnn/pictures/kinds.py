"""What a file is, by its first bytes and never by its name; and what to do with one that is no image to be read."""

import re

from cnn.pictures.network_input import UnreadableImage

READ = ("JPEG", "PNG", "HEIC", "WebP", "GIF", "TIFF", "AVIF", "JPEG 2000", "BMP")
READ_IN_WORDS = f"{', '.join(READ[:-1])} or {READ[-1]}"

_IMAGES = (
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("JPEG", rb"\xff\xd8\xff"),
    ("GIF", rb"GIF8[79]a"),
    ("WebP", rb"RIFF....WEBP"),
    ("BMP", rb"BM....\0\0\0\0"),
    ("TIFF", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),  # + is BigTIFF
    ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
)
_BRANDS = (  # of the containers that begin with a box "ftyp": the first brand that says a coding decides
    ("AVIF", rb"avi[fs]"),
    ("HEIC", rb"he[iv][cxms]"),
)
_ANY_HEIF = rb"mi[af][1-3f]|msf1"
_SAVE = "Save it as a JPEG or PNG file."
_EXPORT = "Export it as a JPEG or PNG file."
_RAW = "This is a raw camera file, not a finished image. Export it as a JPEG file."
_VIDEO = "This is a video, not an image. Take a screenshot of it and choose that."
_SOUND = "This is a sound file, not an image. Choose an image of a garment."
_OFFICE = "This is an office document, not an image. Save the image in it as a file of its own."
_OTHERS = {
    rb"\0...ftypcrx |FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM": _RAW,
    rb"\0...ftypM4[AB]": _SOUND,
    rb"\0...(ftyp|moov|mdat|wide|free|skip)": _VIDEO,
    rb"\x1aE\xdf\xa3|RIFF....AVI |OggS|FLV\x01|\0\0\x01[\xba\xb3]|0&\xb2u\x8ef\xcf\x11": _VIDEO,
    rb"RIFF....WAVE|ID3|fLaC|\xff[\xf2\xf3\xfb]": ("This is a sound file, not an image. Choose an image of a garment."),
    rb"%PDF": "This is a PDF document, not an image. Save the page as a PNG file, or take a screenshot.",
    rb"(?i:(\xef\xbb\xbf)?\s*(<svg|<!DOCTYPE svg|<(\?xml|!--).{0,2000}<svg))": (
        "An SVG file holds shapes, not pixels. Export it as a PNG file."
    ),
    rb"(?i:(\xef\xbb\xbf)?\s*(<!--.{0,2000}-->\s*)?(<\?xml.{0,2000})?<(!DOCTYPE html|html|head|body))": (
        "This is a web page (HTML), not an image. Open it, and save the image itself."
    ),
    rb"%!PS|\xc5\xd0\xd3\xc6": f"This is a PostScript (EPS) file: it holds shapes, not pixels. {_EXPORT}",
    rb"8BP[SB]": f"Photoshop files (PSD) cannot be read. {_EXPORT}",
    rb"gimp xcf": f"GIMP's own files (XCF) cannot be read. {_EXPORT}",
    rb"\0\0[\x01\x02]\0[^\0]\0": f"Icons (ICO) cannot be read. {_SAVE}",
    rb"icns": f"Icons (ICNS) cannot be read. {_SAVE}",
    rb"\xff\x0a|\0\0\0\x0cJXL ": f"JPEG XL images cannot be read. {_SAVE}",
    rb"II\xbc\x01": f"JPEG XR images cannot be read. {_SAVE}",
    rb"\x0a[\0-\x05]\x01[\x01\x02\x04\x08]": f"PCX images cannot be read. {_SAVE}",
    rb"P[1-7]\s+(#[^\n]*\n\s*)*\d|P7\nWIDTH": f"PNM images (PBM, PGM, PPM, PAM) cannot be read. {_SAVE}",
    rb"P[Ff]\s+\d": f"PFM images cannot be read. {_SAVE}",
    rb"[\x8a\x8b][MJ]NG\r\n": f"MNG and JNG images cannot be read. {_SAVE}",
    rb"BM.{12}[\x0c-\x7c]\0\0\0": f"This kind of BMP file cannot be read. {_SAVE}",
    rb"qoif": f"QOI images cannot be read. {_SAVE}",
    rb"DDS ": f"DDS textures cannot be read. {_SAVE}",
    rb"\x01\xda[\0\x01][\x01\x02]": f"SGI images cannot be read. {_SAVE}",
    rb"\x59\xa6\x6a\x95": f"Sun raster images cannot be read. {_SAVE}",
    rb"#define \S+_width|/\* XPM \*/": f"XBM and XPM images cannot be read. {_SAVE}",
    rb"v/1\x01": f"OpenEXR images cannot be read. {_SAVE}",
    rb"#\?(RADIANCE|RGBE)": f"Radiance HDR images cannot be read. {_SAVE}",
    rb"SIMPLE  =": f"FITS images cannot be read. {_EXPORT}",
    rb".{128}DICM": f"DICOM images cannot be read. {_EXPORT}",
    rb"\x93NUMPY|\x89HDF|MATLAB 5": f"This is a file of numbers (NumPy, HDF5 or MATLAB), not an image. {_SAVE}",
    rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF": f"A Windows metafile holds shapes, not pixels. {_EXPORT}",
    rb"PK\x03\x04.{26}(\[Content_Types\]|_rels/|docProps/|mimetypeapplication/)": _OFFICE,
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": _OFFICE,
    rb"PK[\x03\x05]|\x1f\x8b|7z\xbc\xaf|Rar!|BZh[1-9]|\xfd7zXZ|.{257}ustar": (
        "This is an archive (ZIP or the like), not an image. Unpack it, and choose the images in it."
    ),
    rb"version https://git-lfs": "This is Git LFS's note about a file, not the file. Fetch the file itself.",
}


def kind_of(data: bytes) -> str:
    """One of `READ`.

    Raises:
        UnreadableImage: it is something else, which the message calls by its name.
    """
    for kind, signature in _IMAGES:
        if re.match(signature, data, re.DOTALL):
            return kind
    if data[4:8] == b"ftyp":
        brands = re.findall(rb".{4}", data[8 : min(int.from_bytes(data[:4]), 256)], re.DOTALL)
        for brand in brands:
            for kind, names in _BRANDS:
                if re.fullmatch(names, brand):
                    return kind
        if any(re.fullmatch(_ANY_HEIF, brand) for brand in brands):
            return "HEIC"
    beginning = data[:4096]
    for signature, sentence in _OTHERS.items():
        if re.match(signature, beginning, re.DOTALL):
            raise UnreadableImage(sentence)
    if data[-18:-1] == b"TRUEVISION-XFILE.":
        raise UnreadableImage(f"TGA images cannot be read. {_SAVE}")
    if not any(beginning):
        raise UnreadableImage("The file begins with nothing but zeros: it was not copied in full. Copy it again.")
    what = "not an image but text" if _is_text(beginning) else "not an image"
    raise UnreadableImage(f"This file is {what}. Choose a {READ_IN_WORDS} file.")


def _is_text(beginning: bytes) -> bool:
    for encoding in ("utf-8", "utf-16") if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8",):
        text = beginning.decode(encoding, errors="ignore")
        kept = len(text.encode(encoding, errors="ignore"))
        if kept > 0.98 * len(beginning) and all(sign.isprintable() or sign.isspace() for sign in text):
            return True
    return False
