"""The turns of a dialogue → the pairs to train on, each with what precedes it, and how many exchanges are left out."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from m2m.data.records.turns import Turn

SPEAKERS = {"user": "User", "assistant": "Assistant"}
PART_BREAK = "\n\n"  # between the parts of an instruction: system prompt, earlier turns, question, input
ROLES = {"system", *SPEAKERS}
CALL = "holds a tool call, which no plain prompt carries"
LONGEST_ROLE = 40  # characters of a role in a reason


class Pair(NamedTuple):
    """Texts as they stand in the record; one that is missing or no text is null, and `reason` says why."""

    instruction: str | None
    response: str | None
    reason: str | None = None
    has_context: bool = False
    """whether the instruction begins with a system prompt or earlier turns"""


class Exchanges(NamedTuple):
    """The pairs of a record, at least one; how many exchanges are none of them, and how many answers lack reasoning.

    Reasoning is lacking where it stood in a field of its own: an answer is its content.
    """

    pairs: list[Pair]
    left_out: int = 0
    without_reasoning: int = 0

    def refuse(self, reason: str) -> "Exchanges":
        """The same exchanges; pairs without a reason get this one."""
        return Exchanges([pair._replace(reason=pair.reason or reason) for pair in self.pairs], self.left_out)


def reject(reason: str) -> Exchanges:
    """One pair without texts."""
    return Exchanges([Pair(None, None, reason)])


def choose_exchanges(
    context: Sequence[Turn], dialogue: Sequence[Turn], turns: Literal["first", "last", "each"]
) -> Exchanges:
    """The first, the last or each exchange of `dialogue` that may be trained on; `context` precedes all of them.

    An exchange is a user turn and the assistant turn right after it. Further answers to a user turn are left out.
    """
    starts = [index for index, turn in enumerate(dialogue) if turn.role == "user"]
    if not starts:
        problem = _explain_roles(dialogue)
        return reject(f"has no user turn, and {problem}" if problem else "has no user turn")
    ends = [*starts[1:], len(dialogue)]
    spans = [(start, dialogue[start + 1 : end]) for start, end in zip(starts, ends, strict=True)]
    answered = [
        sum(turn.role == "assistant" for turn in answers) for _, answers in spans if not _explain_roles(answers)
    ]
    further = sum(max(answers - 1, 0) for answers in answered)
    trained = [span for span in spans if not span[1] or span[1][0].is_trained]
    pairs = {"first": trained[:1], "last": trained[-1:], "each": spans}[turns] or spans[:1]
    read = [_read_exchange([*context, *dialogue[:start]], dialogue[start], answers) for start, answers in pairs]
    reasoned = sum(
        pair.reason is None and answers[0].has_reasoning for pair, (_, answers) in zip(read, pairs, strict=True)
    )
    return Exchanges(read, len(spans) - len(pairs) + further, reasoned)


def _read_exchange(before: Sequence[Turn], question: Turn, answers: Sequence[Turn]) -> Pair:
    texts = _check_texts(question.content, answers[0].content if answers else None)
    system = [turn for turn in before if turn.role == "system"]
    first = next((index for index, turn in enumerate(before) if turn.role == "user"), len(before))
    earlier = [turn for turn in before[first:] if turn.role != "system"]  # a greeting is no exchange
    if reason := _explain_answers(answers, bool(earlier)) or _explain_turns([*system, *earlier, question]):
        return Pair(texts.instruction, None, reason)
    if texts.reason:
        problem = question.problem if not texts.instruction else answers[0].problem
        name = "instruction" if not texts.instruction else "response"
        return texts._replace(reason=f"{name} holds {problem}") if problem else texts
    labelled = [f"{SPEAKERS.get(turn.role, turn.role)}: {turn.content}" for turn in earlier]
    question_text = f"User: {texts.instruction}" if labelled else str(texts.instruction)
    context = [*(str(turn.content) for turn in system if str(turn.content).strip()), *labelled]
    return texts._replace(instruction=PART_BREAK.join([*context, question_text]), has_context=bool(context))


def _explain_answers(answers: Sequence[Turn], is_later: bool) -> str | None:
    if problem := _explain_roles(answers):
        return problem
    if not answers or answers[0].role != "assistant":
        return f"has no assistant turn after {'a' if is_later else 'its first'} user turn"
    return None if answers[0].is_trained else "its answer is not to be trained on (weight, loss_weight, train or loss)"


def _explain_roles(turns: Sequence[Turn]) -> str | None:
    """That one of `turns` is a tool's, or of a role that a dialogue does not have."""
    if any(turn.is_call for turn in turns):
        return CALL
    unknown = next((turn.role for turn in turns if turn.role not in ROLES), None)
    if unknown is None:
        return None
    named = f"of the unknown role {unknown[:LONGEST_ROLE]!r}" if unknown else "without a role"
    return f"holds a turn {named}: write user, assistant, system or tool"


def _explain_turns(turns: Sequence[Turn]) -> str | None:
    """Why the turns before the answer are no text, if so; the question itself is checked with its answer."""
    for turn in turns[:-1]:
        if problem := _explain_roles([turn]):
            return f"what precedes it {problem}"
        if turn.content and not isinstance(turn.content, str):
            return f"a {turn.role} turn holds {turn.problem or f'no text but {type(turn.content).__name__}'}"
        if isinstance(turn.content, str) and not _is_encodable(turn.content):
            return f"a {turn.role} turn holds half of a surrogate pair"
    return None


def _check_texts(instruction: object, response: object) -> Pair:
    problems = _explain_value("instruction", instruction), _explain_value("response", response)
    texts = [None if problem else str(value) for problem, value in zip(problems, (instruction, response), strict=True)]
    return Pair(texts[0], texts[1], problems[0] or problems[1])


def _explain_value(name: str, value: object) -> str | None:
    if value is None or value != value:  # noqa: PLR0124  NaN
        return f"no {name}"
    if not isinstance(value, str):
        return f"{name} is no text but {type(value).__name__}"
    return None if _is_encodable(value) else f"{name} holds half of a surrogate pair"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
