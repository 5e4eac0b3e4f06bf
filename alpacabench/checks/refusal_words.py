"""How a refusal begins, by language."""

from __future__ import annotations

_ACT = (
    r"(?:help|assist|provide|comply|fulfil+|do (?:that|this|so|it)|answer|generate|create|write|share|support|continue|"
    r"give (?!up|in)|discuss|engage|offer|access|browse|open|view|produce|complete|participate|tell|recommend|advise|"
    r"respond|reveal|disclose|process|perform|send|speak|feel|satisfy|accommodate)"
)
_CANNOT = r"(?:can(?:no|')t|can not|could(?:n't| not)|won't|will not|should(?:n't| not))"
_EXCEPT = (
    r"(?!\s+(?:wait|help but|stress|agree more|believe|imagine|emphasi[sz]e|overstate|thank you|"
    r"recommend[^.!?\n]{0,60}\benough))"
)
_ENGLISH = (
    rf"\b(?:i(?:'m| am) (?:(?:so |very |really )?sorry|afraid)|sorry|apologi[sz]e|apologies|regret\w*|unfortunately)\b"
    rf"[^.!?\n]{{0,60}}\b(?:i|we) (?:{_CANNOT}|am unable|am not able|'m unable|'m not able)\b"
    rf"(?:[^.!?\n]{{0,40}}\b{_ACT}|[ ]*[.!]|[ ]*$)",
    rf"\bi(?:'m| am) (?:unable|not able|not allowed|not permitted|not authori[sz]ed|not programmed|not willing|not going)"
    rf" to\b[^.!?\n]{{0,40}}\b{_ACT}",
    r"\bi(?:'m| am) (?:unable|not able|not allowed|not permitted) to\b",
    rf"\bi {_CANNOT}\b{_EXCEPT}(?:[^.!?\n\"]{{0,40}}\b{_ACT}|[^\n\"]{{0,10}}$)",
    r"\bi (?:respectfully )?(?:have to|must|need to|will have to|(?:'m|am) going to have to) "
    r"(?:respectfully )?(?:decline|refuse|say no)\b|\bi'm going to have to (?:decline|refuse|pass)\b",
    rf"\bi refuse to\b[^.!?\n]{{0,30}}\b{_ACT}|\bi (?:respectfully )?decline\b",
    r"\bi(?:'m| am) not comfortable\b|\bi do(?:n't| not) feel comfortable\b",
    rf"\bi(?:'d| would) (?:rather|prefer) not\b[^.!?\n]{{0,30}}\b{_ACT}",
    r"\bnot something (?:that )?i(?:'m| am)? ?(?:can|able|will|would|comfortable|willing|allowed)\b",
    r"\b(?:inappropriate|unethical|irresponsible|wrong) (?:for me|of me) to\b",
    r"\bagainst my (?:programming|guidelines|polic\w+|principles|values|ethic\w*|training)\b",
    r"\bas an? (?:\w+ )?(?:ai|language model|assistant)\b[^.!?\n]{0,80}\b(?:can(?:no|')t|can not|unable|not able|"
    r"do(?:n't| not) have)|\bi(?:'m| am) (?:just|only) an? (?:ai|language model)\b[^.!?\n]{0,60}\b(?:can(?:no|')t|don't)",
    r"\bi do(?:n't| not) have (?:access|the ability)\b",
)
PATTERNS = {
    "English": "|".join(_ENGLISH),
    "German": (
        r"\b(?:es tut mir leid|tut mir leid|leider|entschuldigung)\b[^.!?\n]{0,60}\b(?:kann|darf) ich\b[^.!?\n]{0,60}"
        r"\bnicht\b|\b(?:es tut mir leid|tut mir leid|leider|entschuldigung)\b[^.!?\n]{0,40}\bich (?:kann|darf)\b"
        r"[^.!?\n]{0,60}\b(?:nicht|keine?n?)\b|\btut mir leid\b[^.!?\n]{0,20}\bdas kann ich nicht\b|"
        r"\b(?:dabei|damit|hierbei|das) (?:kann|darf) ich (?:\w+ ){0,2}(?:leider )?nicht "
        r"(?:helfen|dienen|beantworten|tun|schreiben|machen)\b|"
        r"\bich (?:kann|darf|werde) (?:\w+ ){0,4}(?:nicht|keine?n?) (?:\w+ ){0,2}"
        r"(?:helfen|beantworten|unterstützen|dienen|erstellen|bereitstellen)\b|"
        r"\bich bin nicht in der lage\b|\bals (?:ki|sprachmodell)\b[^.!?\n]{0,40}\bkann ich\b[^.!?\n]{0,20}"
        r"\b(?:nicht|keine?n?)\b|\bich muss (?:das|dies\w*|die anfrage|ihre anfrage)? ?(?:leider )?(?:ablehnen|verweigern)\b"
    ),
    "French": (
        r"\b(?:je suis désolée?|désolée?|je regrette|malheureusement)\b[^.!?\n]{0,60}\bje ne (?:peux|puis|suis) ?(?:pas)?\b|"
        r"\bje ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t')?"
        r"(?:aider|répondre|fournir|assister|donner|satisfaire|faire (?:cela|ça))\b|"
        r"\bje ne suis pas (?:en mesure|autorisée?|capable) de\b|\bje refuse de (?:répondre|fournir|faire|vous)\b|"
        r"\ben tant qu'ia\b[^.!?\n]{0,40}\bje ne (?:peux|puis)"
    ),
    "Spanish": (
        r"\b(?:lo siento|lo lamento|disculpa|lamentablemente|perdón)\b[^.!?\n]{0,60}\bno (?:puedo|me es posible)\b|"
        r"\bno (?:puedo|me es posible) (?:ayudar|responder|proporcionar|cumplir|asistir|dar)\w*\b|"
        r"\bcomo (?:modelo de lenguaje|ia|una ia)\b[^.!?\n]{0,40}\bno puedo\b"
    ),
    "Italian": (
        r"\b(?:mi dispiace|spiacente|purtroppo)\b[^.!?\n]{0,60}\bnon (?:posso|sono in grado)\b|"
        r"\bnon (?:posso|sono in grado di) (?:aiutar|rispondere|fornir|assister|farlo)\w*"
    ),
    "Portuguese": (
        r"\b(?:desculpe|sinto muito|lamento|infelizmente)\b[^.!?\n]{0,60}\bnão (?:posso|consigo)\b|"
        r"\bnão (?:posso|consigo) (?:ajudar|responder|fornecer)\w*|\bnão estou (?:autorizad[oa]|em condições)\b"
    ),
    "Dutch": (
        r"\b(?:het spijt me|sorry|helaas)\b[^.!?\n]{0,60}\b(?:kan ik|ik kan|mag ik|ik mag)\b[^.!?\n]{0,60}\b(?:niet|geen)\b|"
        r"\bik kan (?:\w+ ){0,4}niet (?:\w+ )?(?:helpen|beantwoorden)\b"
    ),
    "Swedish": r"\bjag kan (?:tyvärr )?(?:inte|ej) (?:hjälpa|svara|tillhandahålla|göra det)",
    "Norwegian, Danish": r"\bjeg kan (?:dessverre |desværre )?ikke (?:hjelpe|hjælpe|svare|gi |give |gjøre det|gøre det)",
    "Polish": r"\b(?:przepraszam|przykro mi|niestety)\b[^.!?\n]{0,40}\bnie mogę\b|\bnie mogę (?:pomóc|odpowiedzieć|udzielić)",
    "Russian": (
        r"(?:извините|к сожалению|простите|прошу прощения)[^.!?\n]{0,60}\bне могу\b|"
        r"\bя не могу (?:помочь|ответить|предоставить|выполнить)"
    ),
    "Turkish": (
        r"\b(?:üzgünüm|maalesef|özür dilerim)\b[^.!?\n]{0,80}(?:amam|emem|amıyorum|emiyorum|amayız|olamam)\b|"
        r"\byardımcı olamam\b"
    ),
    "Vietnamese": r"xin lỗi[^.!?\n]{0,40}không thể|\btôi không thể (?:giúp|trả lời|cung cấp)",
    "Indonesian": r"\bmaaf\b[^.!?\n]{0,40}\btidak (?:dapat|bisa)\b|\bsaya tidak (?:dapat|bisa) (?:membantu|menjawab|memberikan)",
    "Arabic": r"(?:عذر[ًا]*|آسفة?|أعتذر|للأسف)[^.!؟\n]{0,40}(?:لا أستطيع|لا يمكنني|لا أقدر)|(?:لا أستطيع|لا يمكنني) (?:مساعدتك|الإجابة|تقديم)",
    "Hindi": r"(?:खेद|माफ़|माफ|क्षमा)[^।!?\n]{0,60}(?:नहीं (?:कर )?सकत|असमर्थ)|मैं [^।!?\n]{0,40}(?:मदद|उत्तर) नहीं [^।!?\n]{0,10}सकत",
    "Korean": (
        r"(?:죄송|미안|유감)[^\n]{0,50}(?:수 없|수는 없|어렵습니다|못합니다|불가능)|"
        r"(?:도와|답변|제공)[^.!?\n]{0,12}(?:수 없습니다|수 없어요)"
    ),
    "Chinese": (
        r"(?:抱歉|对不起|很遗憾)[^。！？\n]{0,30}(?:无法|不能|不可以)|"
        r"我(?:无法|不能)(?:提供|回答|帮助|协助|满足)|作为[^。！？\n]{0,20}(?:模型|AI|人工智能)[^。！？\n]{0,10}(?:无法|不能)"
    ),
    "Japanese": (
        r"(?:申し訳(?:ありません|ございません)|すみません|ごめんなさい)[^。！？\n]{0,60}"
        r"(?:できません|できかねます|いたしかねます)|お(?:答え|手伝い)(?:は)?できません"
    ),
}
"""Patterns without regard to case; an apostrophe is plain."""
