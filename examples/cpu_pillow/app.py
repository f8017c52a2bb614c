"""Renders posters: scales a picture, filters it, writes a caption on it and answers with a PNG."""

from io import BytesIO

import falcon
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

MOTIF = ImageOps.colorize(
    Image.effect_mandelbrot((960, 640), (-2.2, -1.1, 1.1, 1.1), 100),
    black="#102040",
    mid="#c04030",
    white="#ffe9b0",
)


def poster(width, caption):
    picture = MOTIF.resize((width, width * 2 // 3), Image.Resampling.LANCZOS)
    picture = picture.filter(ImageFilter.UnsharpMask(radius=2, percent=120))

    text = Image.new("L", picture.size)
    font = ImageFont.load_default(size=width // 12)
    centre = (picture.width // 2, picture.height * 5 // 6)
    ImageDraw.Draw(text).text(centre, caption, fill=255, font=font, anchor="mm")
    shadow = text.filter(ImageFilter.GaussianBlur(width / 100))

    picture.paste("black", mask=shadow)
    picture.paste("white", mask=text)
    return picture


def png(picture):
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


class Poster:
    def on_get(self, req, resp):
        width = req.get_param_as_int("width", min_value=64, max_value=1200, default=320)
        caption = req.get_param("caption", default="Gunicorn")[:40]
        resp.content_type = falcon.MEDIA_PNG
        resp.data = png(poster(width, caption))


class Health:
    def on_get(self, _req, resp):
        resp.media = {"status": "ok"}


app = falcon.App()
app.add_route("/", Poster())
app.add_route("/healthz", Health())
