"""TIFF, and EXIF, which is a TIFF without pixels: directories of tags, layouts, samples of any depth, and files."""
