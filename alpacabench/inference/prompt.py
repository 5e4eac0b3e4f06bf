"""From messages to token ids: the chat template is applied once, and the prompt starts with exactly one BOS."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from alpacabench.core.exchange import Messages
from alpacabench.core.reasoning import CLOSE, OPEN
from alpacabench.inference.spec import ChatFormat
from alpacabench.inference.tool_prompt import Tools, for_template, has_calls, in_words, names

TODAY = datetime.datetime(2024, 7, 26)
"""What templates that print the date are told: else the prompt would change from day to day under the same key."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as token ids."""

    ids: list[int]
    opened: bool
    """Whether the prompt ends inside a reasoning trace."""


class PromptError(ValueError):
    """A prompt that cannot be put to this model."""


class Encoder:
    """Renders and encodes prompts, and knows what ends an answer."""

    def __init__(
        self,
        tokenizer: Any,
        form: ChatFormat,
        eos: set[int],
        context: int | None,
        stop: tuple[str, ...] = (),
        words: int | None = None,
    ) -> None:
        self.words = words
        """How many tokens the model knows; None where that is not told."""
        self.tokenizer = tokenizer
        self.form = form
        self.context = context
        self.special = _special(tokenizer)
        stops = tuple(dict.fromkeys(stop + form.stop))
        ends = {self.special[stop] for stop in stops if stop in self.special}
        self.stop_ids = eos | ({tokenizer.eos_token_id} - {None}) | self._turn_end() | ends
        rest = [stop for stop in stops if stop not in self.special]
        self.spelled = tuple(stop for stop in rest if any(token in stop for token in self.special))
        """Stop strings that hold a special token: these are found before special tokens are left out."""
        self.stops = tuple(stop for stop in rest if stop not in self.spelled)
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(self.stop_ids, default=0)

    def render(self, messages: Messages, thinking: bool = True, tools: Tools = ()) -> str:
        """Return the prompt's text, with all of the messages' text in it.

        A template that takes content as a list of parts gets it so; where it has no system turn, the system text
        stands before the user's. Without `thinking` what comes next is the answer itself. Where the template knows no
        tools, they stand in the system prompt, and calls and results in tagged blocks of the texts.

        Raises:
            PromptError: the template refuses these messages, or leaves out their text.

        """
        if tools or has_calls(messages):
            if (text := None if self.form.raw else self._with_tools(messages, tools)) is not None:
                return text
            messages = in_words(messages, tools)
        if self.form.raw:
            return "\n\n".join(message[1] for message in messages)
        refused: Exception | None = None
        for turns in (messages, _without_system(messages)):
            for parts in (False, True):
                chat = [{"role": role, "content": _parts(content) if parts else content} for role, content in turns]
                try:
                    text = self._apply(chat, add_generation_prompt=True, thinking=thinking)
                except Exception as error:  # Jinja's errors and whatever a template raises by itself
                    refused = refused or error
                    continue
                contents = [_spaceless(content) for _, content in messages]
                # A template that wants a string prints a list as code: that is no prompt.
                printed = parts and any(_spaceless(f"'text': {content!r}") in _spaceless(text) for _, content in turns)
                if not printed and all(content in _spaceless(text) for content in contents):
                    return text if thinking or not text.rstrip().endswith(OPEN) else f"{text.rstrip()}\n\n{CLOSE}\n\n"
        if refused is not None:
            raise PromptError(f"the chat template refuses the messages: {refused}") from refused
        raise PromptError("the chat template leaves out the prompt's text; choose another by model.template")

    def _with_tools(self, messages: Messages, tools: Tools) -> str | None:
        """Return the prompt's text by a template that takes tools; None where this one does not."""
        for singly in (False, True):
            try:
                text = self._apply(for_template(messages, singly), add_generation_prompt=True, tools=tools)
            except Exception:  # as above; some take one call at a time only
                continue
            spaceless = _spaceless(text)
            whole = all(_spaceless(m[1]) in spaceless or _spaceless(_escaped(m[1])) in spaceless for m in messages)
            if whole and all(name in text for name in names(tools)):
                return text
        return None

    def encode(self, messages: Messages, thinking: bool = True, tools: Tools = ()) -> Encoded:
        """Return the prompt's tokens; without `thinking` the answer itself is what comes next.

        Raises:
            PromptError: the template refuses the messages, or the prompt fills the model's context.

        """
        text = self.render(messages, thinking, tools)
        # A tokenizer's own template writes the BOS itself; text of ours gets the special tokens of a plain text.
        own = not self.form.raw and self.form.template is None
        ids = self.tokenizer(text, add_special_tokens=not own)["input_ids"]
        bos, eos = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        if not own and ids[-1:] == [eos] and bos != eos:
            ids = ids[:-1]
        while bos is not None and ids[:2] == [bos, bos]:
            ids = ids[1:]
        if self.context is not None and len(ids) >= self.context:
            raise PromptError(f"the prompt has {len(ids)} tokens; the model's context holds {self.context}")
        if not ids:
            raise PromptError("the prompt has no tokens")
        if self.words is not None and max(ids) >= self.words:
            token = self.tokenizer.convert_ids_to_tokens(max(ids))
            raise PromptError(
                f"the tokenizer's token {token!r} is number {max(ids)}, and the model knows {self.words}: "
                "model and tokenizer do not belong together"
            )
        return Encoded(ids, text.rstrip().endswith(OPEN))

    def decode(self, ids: list[int]) -> str:
        """Return the text of an answer's tokens, without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def stopped(self, ids: list[int]) -> bool:
        """Whether the text of these tokens holds a stop string."""
        return bool(self.stops and any(stop in self.decode(ids) for stop in self.stops)) or bool(
            self.spelled and any(stop in self._decode_whole(ids) for stop in self.spelled)
        )

    def answer(self, ids: list[int]) -> tuple[str, bool]:
        """Return an answer's text up to the first stop string, without special tokens, and whether there was one."""
        text, whole = self.decode(ids), self._decode_whole(ids) if self.spelled else ""
        found = [at for stop in self.spelled if (at := whole.find(stop)) >= 0]
        if found:
            text = whole[: min(found)]
            for token in self.special:
                text = text.replace(token, "")
        ends = [at for stop in self.stops if (at := text.find(stop)) >= 0]
        return text[: min(ends)] if ends else text, bool(found or ends)

    def _decode_whole(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _apply(
        self, chat: list[dict[str, Any]], add_generation_prompt: bool, thinking: bool = True, tools: Tools = ()
    ) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                chat,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                chat_template=self.form.template,
                **({"tools": [dict(tool) for tool in tools]} if tools else {}),
                date_string=TODAY.strftime("%d %b %Y"),
                strftime_now=TODAY.strftime,
                **({} if thinking else {"enable_thinking": False}) | dict(self.form.arguments),
            )
        )

    def _turn_end(self) -> set[int]:
        """Return the special token that the template writes behind an assistant's turn, if it does.

        A fine-tuned model's generation config often lacks it, and the answer would run on into the next turn.
        """
        if self.form.raw:
            return set()
        try:
            marker = "alpacabench"
            chat: list[dict[str, Any]]
            chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": marker}]
            _, found, behind = self._apply(chat, add_generation_prompt=False).rpartition(marker)
            if not found:
                chat = [turn | {"content": _parts(turn["content"])} for turn in chat]
                _, _, behind = self._apply(chat, add_generation_prompt=False).rpartition(marker)
        except Exception:  # a template that cannot render this names no turn end; the EOS tokens remain
            return set()
        ids = self.tokenizer(behind.strip(), add_special_tokens=False)["input_ids"]
        return set(ids[:1]) & set(self.special.values())


def _without_system(messages: Messages) -> Messages:
    """Return the messages with the system's text before the first user's."""
    if len(messages) < 2 or messages[0][0] != "system" or messages[1][0] != "user":
        return messages
    return (("user", f"{messages[0][1]}\n\n{messages[1][1]}"), *messages[2:])


def _parts(content: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": content}]


def _escaped(text: str) -> str:
    """Return a text as it stands in JSON, which is how some templates write results."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _spaceless(text: str) -> str:
    """Return a text without white space: templates trim and indent."""
    return "".join(text.split())


def _special(tokenizer: Any) -> dict[str, int]:
    """Return the special tokens, text to id: decoding leaves them out of an answer."""
    named = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
    return named | {token.content: i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
