"""Word tables of English that families and gate share."""

from __future__ import annotations

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
kindly out up down off again once
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that carry no content of their own."""
