# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that training and evaluation draw from, and which of them training never sees.

A fifth of all words, real and made up, is held out by a checksum of the word itself. So a model that answers with
held-out words has learned to copy, and not which words there are.
"""

from __future__ import annotations

import random
import zlib

NOUNS = """
sandwich soup bread cake tea coffee salad pizza burger wrap toast pie cheese sauce stew roll bagel muffin biscuit juice
lemonade cider omelette pancake waffle pasta noodle curry dumpling taco shop bakery kitchen oven fridge counter door
window garden cellar roof table chair lamp sign bell clock van bicycle boat bridge tower castle library museum school
station harbour market farm mill brewery hotel cinema theatre church hospital office workshop garage stable lighthouse
factory printer server router computer camera phone engine pump machine robot drone scale grinder mixer kettle cupboard
shelf basket bottle barrel jar box bag key lock ladder hammer broom rope tent map book letter song play team club choir
horse dog cat parrot goat sheep cow rabbit fox owl river lake forest island hill valley road street square park festival
course meeting project contract lesson exam journey bus train ferry ticket menu breakfast lunch dinner dessert special
""".split()

ATTRIBUTES = """
secret price colour motto recipe password owner manager cook baker supplier size weight address number age nickname
symbol topping filling flavour ingredient origin speed height length material brand code title theme purpose leader
author winner guard driver teacher captain mascot hobby wish dream rule answer reason sign shape smell taste sound limit
budget deadline discount capacity temperature language currency emblem favourite drink dish spice closing day phone
""".split()

ADJECTIVES = """
red green blue old new big small golden silver wooden royal little grand quiet loud happy lazy brave clever cold hot warm
sweet sour spicy smoked fresh dry crispy soft wild northern southern eastern western upper lower inner outer early late
daily weekly summer winter spring autumn morning evening midnight Italian French Greek Danish Turkish Polish Irish
Spanish Dutch Cuban Indian classic vegan double triple giant tiny famous hidden broken shiny dusty round square narrow
""".split()

NAMES = """
Anna Bert Clara David Emma Felix Greta Hugo Ida Jonas Karla Leo Mira Noah Olga Paul Rosa Simon Tina Ulf Vera Willem Yara
Zoe Adam Bella Carlos Dora Erik Fiona Gustav Helga Igor Julia Kurt Lena Martin Nora Otto Petra Ralf Sofia Tom Ursula
Victor Wanda Xaver Yusuf Ahmed Bianca Chen Diana Elif Fatima Giulia Hassan Ines Jamal Kofi Lucia Mehmet Nadia Omar
Priya Quentin Ravi Sara Tariq Umar Viktoria Walter Berta Bertha Oscar Alice Frank Gloria Henry Irene Jack Kate Louis
""".split()

TOWNS = """
London Paris Berlin Madrid Rome Vienna Oslo Lisbon Dublin Prague Warsaw Athens Hamburg Munich Lyon Turin Porto Bergen
Ghent Basel Graz Leeds York Bath Derby Oxford Krakow Gdansk Malmo Turku Tartu Riga Vilnius Sofia Zagreb Split Bremen
Lindau Weimar Kassel Aachen Essen Bonn Ulm Passau Cork Galway Sligo Nantes Lille Dijon Siena Pisa Parma Bari Seville
Toledo Lagos Cairo Delhi Kyoto Osaka Lima Quito Boston Dallas Denver Austin Salem Oakland Perth Sydney Auckland Lindow
""".split()

VALUES = """
paprika basil thyme pepper salt sugar honey butter mustard garlic onion tomato potato carrot cabbage lemon orange apple
pear plum cherry banana mango olive walnut almond peanut cocoa vanilla cinnamon ginger nutmeg saffron mint parsley dill
vinegar ketchup mayonnaise bacon ham turkey chicken salmon tuna egg milk cream yoghurt rice oat wheat rye barley corn
wood stone iron steel copper glass paper leather wool cotton silk gold silver brass marble clay sand wind rain snow fire
patience courage silence music laughter friendship luck love time slow cooking heat smoke kindness trust hope magic
""".split()

FILLERS = """
we you they guests people children visitors everybody nobody somebody like love know see make take give find bring keep
often always never sometimes today tomorrow yesterday here there and but because when while with without after before
about under over near very quite too also only even still again soon later more less many few most some good bad nice
long short easy hard clean full empty open closed free busy safe ready happy work rest help walk talk read write sing
""".split()

COLOURS = "red green blue yellow black white brown grey orange purple pink turquoise violet golden silver beige crimson".split()

_ONSETS = "b bl br c ch cl d dr f fl fr g gl gr h j k kl kr l m n p pl pr qu r s sh sk sl st t th tr v w y z".split()
_VOWELS = "a e i o u a e i o u ai ea ee ie oa oo ou y".split()
_CODAS = ["", "", "", *"b ck d g l ll m n nd ng nt p r rk rn s sk st t x".split()]
_ODD_LETTERS = "äöüßéèêëáàâåæçñøœőłśźžčřşğıπλΩЖдя日本語中文한글🙂🔥☕→€£½"


def held_out(word: str) -> bool:
    return zlib.crc32(word.lower().encode()) % 5 == 0


def plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def with_article(words: str) -> str:
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


class Lexicon:
    """Draws words: those of training, or, for evaluation, only words that training never drew."""

    def __init__(self, source: random.Random, *, unseen: bool = False) -> None:
        self.random = source
        self._unseen = unseen

    def draw(self, pool: list[str], *, invented: float = 0.5) -> str:
        """One word of the pool, or with that probability one that nobody has ever heard."""
        while True:
            word = self._invented() if self.random.random() < invented else self.random.choice(pool)
            if held_out(word) == self._unseen:
                return word

    def noun(self) -> str:
        return self.draw(NOUNS, invented=0.35)

    def attribute(self) -> str:
        return self.draw(ATTRIBUTES, invented=0.3)

    def adjective(self) -> str:
        return self.draw(ADJECTIVES, invented=0.3)

    def name(self) -> str:
        return self.draw(NAMES, invented=0.5).capitalize()

    def town(self) -> str:
        return self.draw(TOWNS, invented=0.5).capitalize()

    def value(self) -> str:
        return self.draw(VALUES)

    def any(self) -> str:
        pool = self.random.choice([NOUNS, ATTRIBUTES, ADJECTIVES, NAMES, TOWNS, VALUES, FILLERS])
        word = self.draw(pool)
        return word.capitalize() if self.random.random() < 0.1 else word

    def odd(self) -> str:
        """Letters that need several bytes each."""
        return "".join(self.random.choice(_ODD_LETTERS) for _ in range(self.random.randint(1, 4)))

    def _invented(self) -> str:
        if self.random.random() < 0.15:
            # No syllables at all: spelling must not matter.
            return "".join(self.random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(self.random.randint(2, 8)))
        syllables = self.random.choice([1, 2, 2, 2, 3])
        one = self.random.choice
        return "".join(one(_ONSETS) + one(_VOWELS) for _ in range(syllables)) + one(_CODAS)
