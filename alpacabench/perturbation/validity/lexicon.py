"""Letters and words of English that families and gate share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

HOMOGLYPHS = dict(zip("aceijopsxyABCEHIKMOPSTXY", "асеіјорѕхуАВСЕНІКМОРЅТХУ", strict=True))
"""Latin letters and the Cyrillic ones that look the same."""

CONTRACTED = {
    "don't": "do not", "doesn't": "does not", "didn't": "did not", "isn't": "is not", "aren't": "are not",
    "wasn't": "was not", "weren't": "were not", "can't": "cannot", "couldn't": "could not", "won't": "will not",
    "wouldn't": "would not", "shouldn't": "should not", "mustn't": "must not", "haven't": "have not",
    "hasn't": "has not", "hadn't": "had not", "i'm": "I am", "you're": "you are", "we're": "we are",
    "they're": "they are", "i've": "I have", "you've": "you have", "we've": "we have", "they've": "they have",
    "i'll": "I will", "you'll": "you will", "we'll": "we will", "they'll": "they will", "let's": "let us",
    "what's": "what is", "where's": "where is", "there's": "there is",
}  # fmt: skip
"""Contractions with one likely long form."""

_BELOW_TWENTY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = """
twenty thirty forty fifty sixty seventy eighty ninety
"""
NUMBERS = {word: str(value) for value, word in enumerate(_BELOW_TWENTY.split())}
"""Number words of one word, below a hundred, and their digits."""
NUMBERS.update((word, str(value)) for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True))

_SPELLINGS = """
colour/color colours/colors favourite/favorite favour/favor flavour/flavor flavours/flavors honour/honor humour/humor
labour/labor neighbour/neighbor neighbours/neighbors behaviour/behavior behaviours/behaviors rumour/rumor
harbour/harbor centre/center centres/centers theatre/theater theatres/theaters metre/meter litre/liter fibre/fiber
fibres/fibers organise/organize organised/organized organising/organizing organisation/organization
organisations/organizations realise/realize realised/realized recognise/recognize recognised/recognized
summarise/summarize summarised/summarized summarising/summarizing analyse/analyze analysed/analyzed
analysing/analyzing categorise/categorize categorised/categorized optimise/optimize optimised/optimized
optimising/optimizing minimise/minimize maximise/maximize emphasise/emphasize prioritise/prioritize
customise/customize customised/customized apologise/apologize memorise/memorize visualise/visualize utilise/utilize
criticise/criticize specialised/specialized personalised/personalized travelling/traveling traveller/traveler
travellers/travelers cancelled/canceled labelled/labeled modelling/modeling jewellery/jewelry catalogue/catalog
dialogue/dialog defence/defense offence/offense grey/gray mould/mold plough/plow
pyjamas/pajamas cosy/cozy sceptical/skeptical aluminium/aluminum
encyclopaedia/encyclopedia paediatric/pediatric manoeuvre/maneuver fulfil/fulfill skilful/skillful enrol/enroll
ageing/aging
"""
UK_US = dict(pair.split("/") for pair in _SPELLINGS.split())
"""British -> American spelling."""

_FUNCTION_WORDS = """
a an the and or but so as if then that this these those it its i you he she we they me him her us them my your his our
their mine yours is am are was were be been being do does did done have has had having will would shall should can
could may might must of in on at by for with from to into onto about over under between among through during what
which who whom whose when where why how there here also too very just some any such own same s t re ve ll d m please
kindly out up down off again once one both each located things thing following
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that carry no content of their own."""

_FRAMES = """
please kindly hey hi hello thanks thank tell give provide show help let know write make create generate produce really
actually just try explain answer like want need
"""
FRAMES = frozenset(_FRAMES.split())
"""Words of a request's frame: "tell me about X" and "give me X" may lose or gain them."""

_FILLERS = """
yo thx appreciate grateful favor wonder wondering possible possibly quick quickly question request task thing respond
reply following below here assist right ok okay sure well useful kind great good nice be able love would much asap dear
friend dude real get done do hurry now machine anything curious interested looking look trying figure guys hope day time
say
"""
FILLERS = FRAMES | set(_FILLERS.split())
"""Words that may stand at the edges of a sentence without changing what it asks."""

_LABELS = "instruction task question request input output response answer reply user assistant human q a prompt"
LABELS = frozenset(_LABELS.split())
"""Words that name the parts of a prompt template."""

_DEMANDS = """
word words sentence sentences paragraph paragraphs bullet bullets page pages line lines character characters short
shorter brief briefly concise concisely long longer detailed detail length formal formally informal casual casually
slang style tone rhyme rhyming poem format json xml html markdown table list example examples instead ignore disregard
forget avoid include exclude omit skip only must limit use except unless translate opposite english spanish french
german italian chinese japanese korean russian arabic hindi portuguese dutch polish turkish ukrainian swahili latin
greek swedish uppercase lowercase capital capitals strictly exactly least most maximum minimum pirate step steps also
"""
DEMANDS = frozenset(_DEMANDS.split())
"""Words with which an added sentence asks for something that the task did not ask for."""

_IMPERATIVES = """
write create compose draft describe compare rewrite classify calculate summarize sing add make mention discuss focus
start begin end finish speak act pretend assume imagine talk provide cite quote sort rank convert explain list name
suggest recommend stop keep change consider be ensure remember generate produce identify find tell
"""
IMPERATIVES = frozenset(_IMPERATIVES.split())
"""Verbs that make an added sentence a task of its own where they open it."""

_NEGATIONS = "not no never none without nor neither nothing nobody nowhere hardly"
NEGATIONS = frozenset(_NEGATIONS.split())


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Return everyday words: a word that became one of them was replaced, not mistyped."""
    words = _read("common_words.txt").split()
    return (
        frozenset(words)
        | FUNCTION_WORDS
        | FILLERS
        | DEMANDS
        | NEGATIONS
        | IMPERATIVES
        | set(_read("synonyms.txt").split())
    )


@lru_cache(maxsize=1)
def synonyms() -> frozenset[tuple[str, str]]:
    """Return the ordered pairs of words that may stand for each other."""
    groups = [line.split() for line in _read("synonyms.txt").splitlines()]
    return frozenset((a, b) for group in groups for a in group for b in group)


@lru_cache(maxsize=1)
def opposites() -> frozenset[tuple[str, str]]:
    """Return the ordered pairs of small words whose exchange turns the meaning."""
    pairs = [line.split() for line in _read("opposites.txt").splitlines()]
    return frozenset((a, b) for first, second in pairs for a, b in ((first, second), (second, first)))


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
