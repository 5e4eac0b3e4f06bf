"""Which language a text is in, as far as its letters and its smallest words tell."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sw", "tr", "uk", "zh"]

NAMES: dict[str, str] = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "sw": "Swahili", "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip

_HAN, _KANA = "\u4e00-\u9fff", "\u3040-\u30ff"
_LETTERS = {
    "ar": "\u0600-\u06ff", "hi": "\u0900-\u097f", "ja": _KANA + _HAN, "ko": "\uac00-\ud7af", "ru": "\u0400-\u04ff",
    "uk": "\u0400-\u04ff", "zh": _HAN,
}  # fmt: skip
_FOREIGN = {"ru": "іїєґ", "uk": "ыэъё", "zh": _KANA}
"""Letters of another language with the same script."""
_OWN = {"ja": _KANA}
_SMALL_WORDS = {
    "de": "der die das ein eine einen einem einer und oder ist sind nicht wie warum wer für mit von zu im auf den dem "
    "ich mir mich sie man kann welche welcher über zwischen aus bei es was gib nenne erkläre schreibe",
    "en": "the a an and or is are was not how why who what for with of to in on i me my you can which about between "
    "from does do did it this that give",
    "es": "el la los las un una y o es son no cómo por qué quién para con de en que mi me se cuál cuáles entre sobre "
    "dame lo al del cuántos explica escribe",
    "fr": "le la les un une et ou est sont ne pas comment pourquoi qui que quoi pour avec de des du en dans mon ma "
    "je vous quel quelle quels entre sur au aux moi",
    "it": "il lo la i gli le un una uno e o è sono non come perché chi che cosa per con di del della in mi mio quale "
    "quali tra su dei nel scrivi spiega",
    "nl": "de het een en of is zijn niet hoe waarom wie wat voor met van te in op mijn mij ik je kan welke over tussen "
    "uit dat deze geef",
    "pl": "i lub jest są nie jak dlaczego kto co dla z w na do mi mój moja się który które między o od po podaj napisz "
    "czy to",
    "pt": "o a os as um uma e ou é são não como por que quem para com de do da em no na meu minha me qual quais entre "
    "sobre dos escreva explique",
    "sw": "na ni kwa ya wa la katika jinsi gani nini kwa nini nani cha za au mimi wangu yangu kati kuhusu andika eleza",
    "tr": "ve veya bir bu ne nasıl neden niçin kim için ile mi mı mu mü değil hangi arasında hakkında bana benim da de "
    "kaç yaz açıkla",
}  # fmt: skip
_SMALL = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")


def in_language(text: str, language: str) -> bool:
    """Return whether nothing speaks against a text's being in the language: its script, and no other's small words."""
    words = [word.lower() for word in _WORD.findall(text)]
    letters = "".join(words)
    if not letters:
        return True
    if language in _LETTERS:
        own = len(re.findall(f"[{_LETTERS[language]}]", letters))
        needed, foreign = _OWN.get(language), _FOREIGN.get(language)
        right = (not needed or re.search(f"[{needed}]", letters)) and not (
            foreign and re.search(f"[{foreign}]", letters)
        )
        return bool(right) and own > len(letters) / 2
    found = {name: sum(word in small for word in words) for name, small in _SMALL.items()}
    latin = sum(char < "\u0250" for char in letters)
    return latin > len(letters) / 2 and found[language] == max(found.values())
