"""The table of endpoint presets: what is known of a kind of endpoint before anybody asks it."""

from dataclasses import dataclass

OTHER = "other"
"""The preset of everything that has none of its own."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a kind of endpoint, so that a form need not ask it."""

    label: str
    base_url: str  # "" = everybody has an own one
    key_env: str = ""  # the variable that holds the key; "" = none is needed
    provider: str = ""  # as the price list calls it; "" = its prices are in none
    needs_api_version: bool = False
    is_free: bool = False  # runs on machines of one's own: its tokens have no price
    hint: str = ""  # the command that starts a free one; a sentence on any other


PRESETS: dict[str, Preset] = {
    "openai": Preset("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
    "azure": Preset(
        "Azure OpenAI", "", "AZURE_OPENAI_API_KEY", "azure", needs_api_version=True,
        hint="The address is that of the resource (https://NAME.openai.azure.com); models are named by deployment.",
    ),
    "vllm": Preset("vLLM", "http://127.0.0.1:8000/v1", is_free=True, hint="vllm serve MODEL"),
    "ollama": Preset("Ollama", "http://127.0.0.1:11434/v1", is_free=True, hint="ollama serve"),
    "llamacpp": Preset("llama.cpp", "http://127.0.0.1:8080/v1", is_free=True, hint="llama-server -m MODEL.gguf"),
    OTHER: Preset("Another one", "", hint="Any server or gateway that speaks the OpenAI protocol."),
}  # fmt: skip
"""Name -> preset, in the order in which the page offers them; the name is also proposed for the endpoint."""
