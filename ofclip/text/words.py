"""The closed word classes that cut a caption into phrases, and the fashion words that a lemmatiser would break.

A tagger needs a model that no package carries; but the words that join others are few, so whatever is none of them
belongs to a phrase (our choice). All lists are for small letters.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- what ends a phrase or is left out of it ---

ARTICLES = _words("a an the")
PRONOUNS = _words(
    "i me my you your he his him she her hers it its it's they them their we us our this that these those that's thats "
    "who which what whose someone something anything nothing everything none there here itself myself yourself himself "
    "herself oneself themselves"
)
PREPOSITIONS = _words(
    "with in on at of for from by to into onto around across near under above below over between behind along against "
    "within toward towards throughout through beneath underneath beside after before about per via upon up down off "
    "out like inside outside as"
)
#: Prepositions that belong to a phrase between two of its words: "down jacket", "ruffles down front".
PARTICLES = _words("up down off out over through")
#: Prepositions after which a bare part of a garment or body only says where something is.
LOCATIVES = _words(
    "in on at around across near under above below over down up along through throughout to behind by from"
)
CONJUNCTIONS = _words("and or nor but yet")
#: Words that open a clause.
CLAUSES = _words(
    "if because so when where while whereas though although then since until than unlike versus vs compared compare "
    "opposed"
)
#: Auxiliaries, and the verbs that say what a garment has or shows.
VERBS = _words(
    "is are was were be been being am has have had having do does did can could will would should might must may "
    "cannot can't i'm i'd it'd they're come comes came go goes going feature features featuring contain contains "
    "containing include includes including show shows showing depict depicts depicting say says saying said read reads "
    "reading look looks appear appears seem seems give gives offer offers use uses wear wears wearing want wants need "
    "needs prefer prefers seek make makes made fits hug hugs hugging fall falls reach reaches end ends stop stops hang "
    "hangs flows resemble resembles represent represents reveal reveals expose exposes display displays displaying "
    "covers got get gets let lets keep keeps add adds added replace replaces replaced change changes changed become "
    "becomes match matches belong belongs written worn shown found seen located placed called named known related"
)
#: Adverbs and determiners that say how much or how sure: they are left out, and the phrase goes on.
DEGREES = _words(
    "very slightly much little bit quite mostly mainly too just only also even still almost nearly completely fully "
    "totally entirely really extremely somewhat far definitely overall all both way exactly again instead rather maybe "
    "perhaps simply primarily basically generally largely visually predominantly partially partly highly well anymore "
    "currently actually please yes any some such each every"
)
MORE = _words("more most")
LESS = _words("less lesser fewer least")
NEGATIONS = _words(
    "no not without non lack lacks lacking isn't aren't wasn't hasn't haven't doesn't don't didn't won't ain't isnt "
    "arent hasnt havent doesnt dont didnt"
)
#: Verbs that after "not" make it "no": "does not have sleeves" says "no sleeves".
HAVING = _words("have has having had contain contains show shows feature features include includes")

# --- the words of fashion ---

COLOURS = _words(
    "black white blue red pink green grey gray yellow purple orange brown beige tan navy gold golden silver cream teal "
    "peach maroon turquoise burgundy olive mint magenta coral lavender aqua violet charcoal ivory khaki lilac plum "
    "mustard fuchsia rust taupe rose salmon melon wine bronze copper emerald indigo crimson scarlet nude cyan mauve "
    "lime neon pastel rainbow multicolored multi-colored multicolor multi-color off-white greenish reddish bluish "
    "yellowish pinkish purplish brownish greyish grayish orangish whitish monochromatic monochrome camouflage camo"
)
#: Words before a colour that change its shade.
SHADES = _words("light dark bright pale deep royal sky hot baby forest army sea dusty burnt solid")
PATTERNS = _words(
    "floral flowery flowered striped stripe dotted spotted plaid checkered checked chevron paisley patterned printed "
    "print pattern geometric abstract polka leopard zebra cheetah snakeskin animal tribal tie-dye tie-dyed ombre "
    "tropical hawaiian graphic houndstooth gingham argyle solid flannel tartan"
)
MATERIALS = _words(
    "denim lace leather pleather satin velvet cotton silk chiffon mesh knit wool linen jersey crochet tulle sequin "
    "sequined suede fur corduroy polyester fleece metallic beaded embroidered rhinestone spandex nylon"
)
#: Parts of garments, and what is printed or sewn on them.
PARTS = _words(
    "sleeve sleeveless sleeved strap strapless strappy collar collared collarless button buttoned zipper zip pocket "
    "belt belted hood hooded bow ruffle ruffled frill fringe pleat pleated cuff hem hemline neck neckline turtleneck "
    "halter cowl scoop waist waistline bodice skirt shoulder trim panel slit cutout lining layer layered ruched "
    "draping drape accent embellishment bead fold seam drawstring lapel bust back front hip leg arm top bottom torso "
    "chest fabric material stitching embroidery applique patch text word letter lettering writing wording logo graphic "
    "image picture photo drawing design decal art artwork motif emblem symbol character cartoon face slogan phrase "
    "message number flower dot line circle square star heart skull animal bird cat dog flag"
)
GARMENTS = _words(
    "dress shirt t-shirt tee top blouse tank skirt gown jacket sweater cardigan coat vest hoodie sweatshirt polo tunic "
    "pullover jersey pants jeans shorts leggings suit jumpsuit romper camisole cami corset bra tights hat cap shoe "
    "boot scarf bag purse glasses sunglasses button-up button-down maxi mini"
)

# --- lemmas ---

#: Words that English has in the plural only or that mean something else in the singular, and words that look like
#: comparatives or verbs.
PROTECTED = _words(
    "pants jeans shorts boyshorts leggings jeggings joggers trousers chinos culottes capris slacks sweatpants overalls "
    "dungarees tights briefs boxers panties knickers trunks swim-trunks pajamas pyjamas scrubs suspenders glasses "
    "sunglasses goggles clothes sports separates cords bare overlay finest gamer haler solider tanner"
)
#: Lemmas that the word list has wrong or not at all.
LEMMAS = {
    "leaves": "leaf", "women": "woman", "men": "man", "children": "child", "feet": "foot", "florals": "floral",
    "womens": "women's", "mens": "men's", "blues": "blue", "bigger": "big", "cooler": "cool", "simplier": "simple",
    "thiner": "thin", "shiner": "shiny", "tigher": "tight", "ligher": "light", "draker": "dark", "satinier": "satiny",
    "poofier": "poofy", "flowier": "flowy", "blueer": "blue", "scoopier": "scoopy", "cleaner": "clean",
    "closer": "close",
}  # fmt: skip
#: Spellings that mean the same, and slips that are frequent in Fashion IQ's captions.
VARIANTS = {
    "tshirt": "t-shirt", "tshirts": "t-shirts", "teeshirt": "t-shirt", "vneck": "v-neck", "vnecked": "v-necked",
    "v-neckline": "v-neck", "vee-neck": "v-neck", "vee-necked": "v-necked", "vee-neckline": "v-neck",
    "vee-shaped": "v-shaped", "an-a-line": "a-line", "see-thru": "see-through", "seethrough": "see-through",
    "sleevless": "sleeveless", "sleveless": "sleeveless", "sleeveles": "sleeveless", "sleves": "sleeves",
    "sleaves": "sleeves", "spagetti": "spaghetti", "patterened": "patterned", "pattered": "patterned",
    "stripped": "striped", "lenght": "length", "colourfull": "colourful", "shiney": "shiny", "lacey": "lacy",
    "wit": "with", "w": "with", "whit": "with", "wih": "with", "wth": "with", "ia": "is", "hsa": "has", "ha": "has",
    "ans": "and", "adn": "and", "nd": "and", "n": "and", "moe": "more", "mroe": "more",
}  # fmt: skip
#: Words in a row that are one word, joined by hyphens. The last of them is a lemma.
COMPOUNDS = frozenset(
    [("t", "shirt"), ("u", "neck"), ("off", "white"), ("color", "block"), ("cut", "out"), ("pull", "over")]
    + [("see", "through"), ("see", "thru"), ("all", "over"), ("tie", "dye"), ("tie", "dyed"), ("an", "a", "line")]
    + [("off", "shoulder"), ("off", "the", "shoulder"), ("off", "one", "shoulder")]
    + [(letter, part) for letter in ("v", "vee") for part in ("neck", "necked", "neckline", "shaped", "shape")]
    + [(first, way) for first in ("button", "zip", "lace", "tie") for way in ("up", "down")]
    + [("a", "line", garment) for garment in ("dress", "skirt", "gown", "shape", "silhouette", "style", "cut")]
)

# --- relative captions ---

#: What a garment has or has not, is or is not.
PRESENT = COLOURS | PATTERNS | MATERIALS | PARTS | GARMENTS
#: Relations to the reference picture, and words of the task itself.
RELATIONS = _words(
    "same similar similer different differnt diffrent differing identical another other alike equal opposite similarly "
    "differently comparable exact desired desire wanted provided previous original reference product item alternate "
    "alternative"
)
#: What a clause may call the reference by, after "the".
REFERENCES = _words("other first previous original reference provided")
#: Words after which a sentence is about the reference.
WHILE = _words("unlike versus vs whereas while compared compare opposed")
#: Words that say nothing on their own.
EMPTY = _words(
    "color colour colored coloured coloring colouring shade tone toned hue style styled type kind looking item product "
    "thing piece one length size sized lot amount combination fit fitting variety appearance feel version side area "
    "part background base shape shaped based detail coverage theme clothing garment set pair designed oriented outfit "
    "model perfect left right na unable available addition multitude good great nice few bunch"
)
#: Names of colour, which a colour does not need: "black color".
COLOUR_WORDS = _words("color colour coloring colouring")
#: Parts and places that after a preposition only say where something is.
PLACES = _words(
    "front back top bottom side middle center centre upper lower left right area half edge neck neckline collar "
    "shoulder arm sleeve chest breast bust torso body bodice midsection stomach belly waist waistline hip leg thigh "
    "knee ankle hem skirt"
)
