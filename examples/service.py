"""A web service that upscales with references: pip install srntt fastapi uvicorn python-multipart

uvicorn --app-dir examples service:app
curl -F picture=@small.png -F references=@sharp.jpg -o large.png http://127.0.0.1:8000/upscale
"""

import io
from typing import Annotated

from fastapi import FastAPI, File, HTTPException, Response, UploadFile

from srntt import Upscaler
from srntt.errors import InputError, MemoryBudgetError
from srntt.image import Limits

LIMITS = Limits(max_bytes=16 << 20, max_pixels=16_000_000)
app = FastAPI()
upscaler = Upscaler.from_pretrained("lite-rec", memory="2GB")


@app.post("/upscale")
def upscale(picture: UploadFile, references: Annotated[list[UploadFile], File()] = []) -> Response:  # noqa: B006
    try:
        encoded = upscaler.encode_references([sent.file for sent in references], limits=LIMITS)
        result = upscaler.upscale(picture.file, encoded, limits=LIMITS)
    except InputError as error:
        raise HTTPException(422, str(error)) from error
    except MemoryBudgetError as error:
        raise HTTPException(413, str(error)) from error
    output = io.BytesIO()
    result.save(output, format="png")
    shares = ", ".join(f"{used.share:.3f}" for used in result.references)
    return Response(output.getvalue(), media_type="image/png", headers={"X-Reference-Shares": shares})
