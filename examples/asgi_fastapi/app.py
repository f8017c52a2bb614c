"""A travel page: asks a forecast service about several cities at once and puts them together."""

import asyncio
import os
from contextlib import asynccontextmanager

import httpx
import upstream
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Forecast(BaseModel):
    city: str
    celsius: float


class Overview(BaseModel):
    warmest: str
    forecasts: list[Forecast]


@asynccontextmanager
async def lifespan(app):
    """One HTTP client per worker and, without UPSTREAM_URL, a forecast service of its own."""
    server, url = None, os.environ.get("UPSTREAM_URL")
    if not url:
        server, url = await upstream.start()
    async with httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as client:
        app.state.forecasts = client
        yield
    if server:
        server.close()


app = FastAPI(title="Travel", lifespan=lifespan)


async def get_forecast(request: Request, city: str) -> Forecast:
    response = await request.app.state.forecasts.get(f"/forecasts/{city}")
    if response.status_code == httpx.codes.NOT_FOUND:
        raise HTTPException(404, f"no forecast for {city}")
    response.raise_for_status()
    return Forecast(city=city, celsius=response.json()["celsius"])


@app.get("/")
async def overview(request: Request) -> Overview:
    cities = ("berlin", "lisbon", "oslo")
    forecasts = await asyncio.gather(*(get_forecast(request, city) for city in cities))
    warmest = max(forecasts, key=lambda forecast: forecast.celsius)
    return Overview(warmest=warmest.city, forecasts=forecasts)


@app.get("/forecasts/{city}")
async def forecast(request: Request, city: str) -> Forecast:
    return await get_forecast(request, city)


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.exception_handler(httpx.HTTPError)
async def upstream_failed(request: Request, error: httpx.HTTPError):
    return JSONResponse({"error": "the forecast service does not answer"}, status_code=502)
