"""National identity numbers in a text, each by its country's form and, where it has them, its check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

BEFORE = 40
"""Characters before a number in which a word must say what it is."""


def _form(shape: str, word: str | None = None) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    return re.compile(rf"(?<![\w.-])(?:{shape})(?![\w-])", re.I | re.A), re.compile(word, re.I) if word else None


IDS = {
    # Distinct in form: found wherever they stand.
    "it.codicefiscale": _form(r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"),
    "es.dni": _form(r"\d{8}[ -]?[A-Z]"),
    "es.nie": _form(r"[XYZ][ -]?\d{7}[ -]?[A-Z]"),
    "fr.nir": _form(r"[12] ?\d{2} ?[01]\d ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}"),
    "cn.ric": _form(r"\d{17}[\dX]"),
    "mx.curp": _form(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d"),
    "se.personnummer": _form(r"(?:\d{2})?\d{6}[-+]\d{4}"),
    "ch.ssn": _form(r"756\.\d{4}\.\d{4}\.\d{2}"),
    "fi.hetu": _form(r"\d{6}[-+A]\d{3}[\dA-Y]"),
    # Plain digits: one in ten random numbers would pass, so a word before them must say what they are.
    "br.cpf": _form(r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}", r"cpf"),
    "de.idnr": _form(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer|idnr|tax"),
    "nl.bsn": _form(r"\d{4}[. ]?\d{2}[. ]?\d{3}", r"bsn|burgerservice|sofi"),
    "pl.pesel": _form(r"\d{11}", r"pesel"),
    "in_.aadhaar": _form(r"\d{4}[ -]?\d{4}[ -]?\d{4}", r"aadh?aar|uidai|आधार"),
    "in_.pan": _form(r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", r"\bpan\b"),
    "luhn": _form(r"\d{3}[ -]?\d{3}[ -]?\d{3}", r"\bsin\b|social insurance|\bnas\b"),
    "gb.nhs": _form(r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"\bnhs\b"),
    "au.tfn": _form(r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", r"\btfn\b|tax file"),
    "be.nn": _form(r"\d{2}\.?\d{2}\.?\d{2}[ -]?\d{3}[ .-]?\d{2}", r"rijksregister|registre national|\bnational number"),
    "bg.egn": _form(r"\d{10}", r"\begn\b|егн"),
    "cz.rc": _form(r"\d{6}/?\d{3,4}", r"rodn[ée]|\br\.? ?č"),
    "dk.cpr": _form(r"\d{6}-?\d{4}", r"\bcpr\b|personnummer"),
    "ee.ik": _form(r"\d{11}", r"isikukood"),
    "gr.amka": _form(r"\d{11}", r"amka|αμκα"),
    "hr.oib": _form(r"\d{11}", r"\boib\b"),
    "ie.pps": _form(r"\d{7}[A-W][A-IW]?", r"\bpps"),
    "il.idnr": _form(r"\d{9}", r"teudat|ת\.?ז|תעודת|israeli id"),
    "is_.kennitala": _form(r"\d{6}-?\d{4}", r"kennitala"),
    "jp.in_": _form(r"\d{4}[ -]?\d{4}[ -]?\d{4}", r"マイナンバー|個人番号|my number"),
    "kr.rrn": _form(r"\d{6}-?\d{7}", r"주민|\brrn\b|resident registration"),
    "lt.asmens": _form(r"\d{11}", r"asmens"),
    "no.fodselsnummer": _form(r"\d{6} ?\d{5}", r"f[øo]dselsnummer|personnummer"),
    "pt.nif": _form(r"\d{3} ?\d{3} ?\d{3}", r"\bnif\b|contribuinte"),
    "ro.cnp": _form(r"\d{13}", r"\bcnp\b|cod numeric"),
    "si.emso": _form(r"\d{13}", r"em[šs]o"),
    "th.pin": _form(r"\d-?\d{4}-?\d{5}-?\d{2}-?\d", r"บัตรประชาชน|thai id|national id"),
    "tr.tckimlik": _form(r"\d{11}", r"kimlik|\btc(?:kn)?\b|t\.c\."),
    "za.idnr": _form(r"\d{13}|\d{6} \d{4} \d{3}", r"south african id|\bid n(?:umber|o)"),
}
"""Validator in python-stdnum, its form, and the word that must stand within 40 characters before it."""
WITHOUT_CHECK_DIGIT = (
    # British National Insurance number (HMRC, NIM39110).
    _form(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\d{2} ?){3}[A-D]"),
    # US Social Security number, and individual taxpayer's number from 900 (SSA, POMS RM 10201.030).
    _form(r"(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}"),
    _form(r"(?!000|666)\d{3}[ .]?(?!00)\d{2}[ .]?(?!0000)\d{4}", r"\bssn\b|social security"),
    # Singapore and Hong Kong: their letters are checks, but of no published form.
    _form(r"[STFGM]\d{7}[A-Z]", r"\bnric\b|\bfin\b"),
    _form(r"[A-Z]{1,2}\d{6} ?\([\dA]\)"),
    _form(
        r"(?=[A-Z0-9]{0,8}\d)[A-Z0-9]{6,9}",
        r"(?:passport|reisepass|passeport|pasaporte|passaporto|paspoort|паспорт|护照)"
        r"(?:[ -]?(?:number|no\.?|nr\.?|num[eé]ro|n[uú]mero|nummer|номер|号码?|#))?(?: is| ist| es)?[ :：]*$",
    ),
)  # fmt: skip


def national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Yield the span of each number."""
    for form, word in WITHOUT_CHECK_DIGIT:
        yield from (found.span() for found in form.finditer(text) if _told(word, text, found.start()))
    for name, (form, word) in IDS.items():
        for found in form.finditer(text):
            # Canada's number has Luhn's digit alone, and the validator of that takes no spaces.
            number = re.sub(r"[ -]", "", found.group()) if name == "luhn" else found.group()
            if _told(word, text, found.start()) and _validator(name).is_valid(number):
                yield found.span()


def _told(word: re.Pattern[str] | None, text: str, start: int) -> bool:
    return word is None or bool(word.search(text[max(0, start - BEFORE) : start]))


@lru_cache
def _validator(name: str) -> Any:
    return import_module(f"stdnum.{name}")
