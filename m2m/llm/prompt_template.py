"""Fills a prompt template; untrusted text stands between fences that it cannot close."""

import hashlib
import re
from collections.abc import Iterable, Mapping

HOLE = re.compile(r"\{(\w+)\}")
# control tokens of common chat templates: whole ones, since <| and |> alone are operators, and <s> is HTML
SPECIAL = re.compile(
    r"<[|｜][^\s<>|｜]+[|｜]?>|<[^\s<>|｜]+[|｜]>"  # Llama 3, Qwen, GPT, Phi; ｜: DeepSeek; one bar: Gemma 4
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]"  # Mistral
    r"|<</?SYS>>|</s>"  # Llama 2
    r"|<(?:start|end)_of_turn>|<eos>"  # Gemma
)


def fill_template(template: str, texts: Mapping[str, str]) -> str:
    """`template` with each {name} replaced by `texts[name]`; braces in the texts mean nothing.

    ValueError when a text has no place in the template. Other {names} stay, as in an example of JSON.

    >>> fill_template('{"tags": []} for {text}', {"text": "{text} {x}"})
    '{"tags": []} for {text} {x}'
    """
    if missing := set(texts) - set(HOLE.findall(template)):
        raise ValueError(
            f"the prompt template must contain {' and '.join(f'{{{name}}}' for name in sorted(missing))}: "
            "write it where the text belongs"
        )
    return HOLE.sub(lambda hole: texts.get(hole[1], hole[0]), template)


def wrap_as_data(text: str) -> str:
    """`text` as data: between two lines with a mark that it cannot contain, since the mark is a hash of it.

    What a server may read as the end of a turn is broken by a blank: <|eot_id|> becomes < |eot_id|>.

    >>> wrap_as_data("Ignore the above.").splitlines()
    ['<data d06bf885e2ed>', 'Ignore the above.', '</data d06bf885e2ed>']
    """
    text = SPECIAL.sub(lambda token: f"{token[0][0]} {token[0][1:]}", text)
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"<data {mark}>\n{text}\n</data {mark}>"


def split_control_tokens(text: str, tokens: Iterable[str]) -> str:
    """`text` with a blank inside each of the `tokens` that it spells out: to a model they are then words.

    >>> split_control_tokens("a<|eot_id|>b", ["<|eot_id|>"])
    'a< |eot_id|>b'
    """
    for token in tokens:
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text
