"""Peers of the area walk at work, in a venv of their own: viewsheds of many cameras over one surface. Run by `benchmarks.viewshed`, never imported.

    xarray-spatial   `viewshed` on the window of the radius, cut out beforehand
    gdal             GDALViewshedGenerate of the GDAL that rasterio's wheel brings, called in process on a raster in memory that holds the window
    osgeo            the same by the system's Python bindings (Debian's python3-gdal), of another GDAL

All are timed call by call, after a first that is not counted; cutting windows and reading answers is not counted either.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

Table = np.ndarray[Any, np.dtype[Any]]


def _spatial(windows: Table, x: Table, y: Table, height: Table, target: float, radius: float) -> tuple[Table, list[float]]:
    import xarray  # type: ignore[import-not-found]
    from xrspatial import viewshed  # type: ignore[import-not-found]

    seen, seconds = np.zeros(windows.shape, np.uint8), []
    n = windows.shape[1]
    for k in [0, *range(len(windows))]:
        surface = xarray.DataArray(windows[k], dims=("y", "x"), coords={"y": np.arange(n)[::-1] + 0.5, "x": np.arange(n) + 0.5})
        began = time.perf_counter()
        found = viewshed(surface, x=float(x[k]), y=float(y[k]), observer_elev=float(height[k]), target_elev=target)
        seconds.append(time.perf_counter() - began)
        seen[k] = found.values >= 0
    return seen, seconds[1:]


def _gdal(windows: Table, x: Table, y: Table, height: Table, target: float, radius: float) -> tuple[Table, list[float]]:
    home = importlib.import_module("rasterio").__file__  # imported first: it brings the libraries that GDAL's own needs
    assert home is not None
    (library,) = (Path(home).parent.parent / "rasterio.libs").glob("libgdal*.so*")
    gdal = ctypes.CDLL(str(library))
    pointer, real, text = ctypes.c_void_p, ctypes.c_double, ctypes.c_char_p
    for name, arguments in (
        ("GDALGetDriverByName", [text]), ("GDALCreate", [pointer, text, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, pointer]),
        ("GDALGetRasterBand", [pointer, ctypes.c_int]),
        ("GDALViewshedGenerate", [pointer, text, text, pointer, *[real] * 9, ctypes.c_int, real, pointer, pointer, ctypes.c_int, pointer]),
    ):  # fmt: skip
        getattr(gdal, name).restype, getattr(gdal, name).argtypes = pointer, arguments
    gdal.GDALSetGeoTransform.argtypes, gdal.GDALClose.argtypes = [pointer, pointer], [pointer]
    gdal.GDALRasterIO.argtypes = [pointer, *[ctypes.c_int] * 5, pointer, *[ctypes.c_int] * 5]
    gdal.GDALAllRegister()
    n = windows.shape[1]
    driver = gdal.GDALGetDriverByName(b"MEM")
    seen, seconds = np.zeros(windows.shape, np.uint8), []
    for k in [0, *range(len(windows))]:
        data = gdal.GDALCreate(driver, b"", n, n, 1, 6, None)
        gdal.GDALSetGeoTransform(data, (ctypes.c_double * 6)(0.0, 1.0, 0.0, float(n), 0.0, -1.0))
        band = gdal.GDALGetRasterBand(data, 1)
        surface = np.ascontiguousarray(windows[k], dtype=np.float32)
        gdal.GDALRasterIO(band, 1, 0, 0, n, n, surface.ctypes.data, n, n, 6, 0, 0)
        began = time.perf_counter()
        # 255 seen, 0 hidden, out of range and nodata; no curvature; mode edge (2), its default
        made = gdal.GDALViewshedGenerate(
            band, b"MEM", b"", None, x[k], y[k], height[k], target, 255.0, 0.0, 0.0, 0.0, 0.0, 2, radius, None, None, 1, None
        )
        seconds.append(time.perf_counter() - began)
        answer = seen[k]
        _read(gdal, made, answer, x[k], y[k], radius)
        gdal.GDALClose(made)
        gdal.GDALClose(data)
    return seen, seconds[1:]


def _osgeo(windows: Table, x: Table, y: Table, height: Table, target: float, radius: float) -> tuple[Table, list[float]]:
    from osgeo import gdal  # type: ignore[import-not-found]

    gdal.UseExceptions()
    n = windows.shape[1]
    seen, seconds = np.zeros(windows.shape, np.uint8), []
    for k in [0, *range(len(windows))]:
        data = gdal.GetDriverByName("MEM").Create("", n, n, 1, gdal.GDT_Float32)
        data.SetGeoTransform((0.0, 1.0, 0.0, float(n), 0.0, -1.0))
        band = data.GetRasterBand(1)
        band.WriteArray(windows[k].astype(np.float32))
        where = (float(x[k]), float(y[k]), float(height[k]), target)
        began = time.perf_counter()
        made = gdal.ViewshedGenerate(band, "MEM", "", [], *where, 255.0, 0.0, 0.0, 0.0, 0.0, gdal.GVM_Edge, radius)
        seconds.append(time.perf_counter() - began)
        found, transform = made.ReadAsArray(), made.GetGeoTransform()
        column, row = round(transform[0]), round(n - transform[3])
        seen[k, row : row + found.shape[0], column : column + found.shape[1]] = found == 255
    return seen, seconds[1:]


def _read(gdal: Any, made: Any, answer: Table, x: float, y: float, radius: float) -> None:
    """GDAL's answer covers the box of the radius: laid back into the window by its own transform."""
    n = len(answer)
    wide, high = gdal.GDALGetRasterXSize(ctypes.c_void_p(made)), gdal.GDALGetRasterYSize(ctypes.c_void_p(made))
    transform = (ctypes.c_double * 6)()
    gdal.GDALGetGeoTransform(ctypes.c_void_p(made), transform)
    part = np.zeros((high, wide), np.uint8)
    gdal.GDALRasterIO(gdal.GDALGetRasterBand(made, 1), 0, 0, 0, wide, high, part.ctypes.data, wide, high, 1, 0, 0)
    column, row = round(transform[0]), round(n - transform[3])
    answer[row : row + high, column : column + wide] = part == 255


def main(kind: str, given: str, out: str) -> None:
    """Read the windows, answer, write `seen` and `seconds`."""
    with np.load(given) as arrays:
        windows, x, y, height = arrays["windows"], arrays["x"], arrays["y"], arrays["height"]
        target, radius = float(arrays["target"]), float(arrays["radius"])
    seen, seconds = {"xarray-spatial": _spatial, "gdal": _gdal, "osgeo": _osgeo}[kind](windows, x, y, height, target, radius)
    np.savez_compressed(out, seen=np.packbits(seen), shape=seen.shape, seconds=seconds)


if __name__ == "__main__":
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    main(*sys.argv[1:4])
