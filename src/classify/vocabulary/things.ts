// Words that are not things: small words that part noun phrases, verbs of pictures, looks and qualities, and talk about the
// picture itself. What is left of a phrase between them ends in its noun. Data only.

const list = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(' ')));

/** Small words that end a noun phrase. English first, then the commonest of the other Latin languages. */
export const PARTING_WORDS = list(
  'a an the this that these those some any each every no another other others its his her their our my your it he she they we you i them him us me one who which what whose there here where when while as if than then so because',
  'of in on at by with from to into onto over under above below beneath behind beside between among near next against across along around through inside outside within without during before after toward towards upon off out up down via per like',
  'and or but nor yet both either neither plus is are was were be been being am has have had having do does did can could will would should may might must not also very too just only even still more most less least such all',
  'el la los las un una unos unas de del al en con sin por para sobre bajo entre y o que su sus se es muy como der die das den dem des ein eine einen einem einer und oder mit ohne auf im am zu zum zur von vor hinter neben unter bei ist sind sich als wie',
  'le les une du dans sur sous avec sans pour par et ou qui est sont au aux ce cette son sa ses à os as uma um no na do da dos das com sem em ao é são il lo gli i e di dell della del dello con su nel nella al alla che per è sono',
  've bir ile bu için olan gibi üzerinde altında và của với trên trong một các có cho là और के की का में पर से एक है',
);

/** What people do in pictures: the words of a phrase end before them. Words in -ing and -ly part phrases without being listed. */
export const DOING_WORDS = list(
  'sits sit sitting stands stand wears wear holds hold looks look looking walks walk runs run plays play playing eats eat drinks rides ride flies fly flying lies lie hangs hang shows show showing contains contain features featuring feature includes include including surrounded filled covered made wearing holding standing',
  'dressed placed set seen shown located lit painted drawn taken rendered depicting depicts creates create make makes making add draw generate design use using used see reads says get gets getting give gives takes take has leads emphasizes jumps sleeps swims reflects captures brings evokes seems appears appear looks becomes turns turn worn carved parked seated hidden stacked arranged attached based inspired left open',
  "held laid bends bend faces lean leans tilted own named about called titled looking doesn isn aren don doesn't isn't perhaps nearby just",
  'generated keep preserve ensure transform convert please want can be going doing reaching casting adorned sporting emphasizing surrounding come comes goes wait waits cross crosses ready feeding riding sitting reading',
);

/** Looks and qualities: never the noun of a phrase. */
export const QUALITY_WORDS = list(
  'red orange yellow green blue purple pink brown black white gray grey beige gold golden silver teal turquoise cyan magenta crimson dark light bright pale vivid colorful colourful warm cold cool soft hard smooth rough shiny glossy matte transparent wooden metal metallic plastic glass leather rubber fluffy fabric',
  'big small large tiny huge giant little tall short long wide narrow thick thin round square rectangular oblong oval cubic triangular circular spherical pentagonal conical cylindrical young old ancient new modern vintage retro beautiful pretty cute ugly elegant happy sad angry calm wild dirty clean empty full busy quiet dramatic realistic',
  'photorealistic hyperrealistic cinematic epic detailed intricate sharp blurry stunning amazing perfect professional high low ultra super extremely highly very hyper minimalist minimal simple complex abstract surreal fantasy futuristic medieval gothic digital 3d 2d 4k 8k hd uhd hdr left right top bottom front back side middle center upper lower first second third last same different several many few multiple various numerous two three four five six seven eight nine ten',
  'single double half whole entire main real natural visible clear wet dry hot deep shallow flat heavy strong slight subtle fresh ripe',
  'forward forwards backward backwards downward upward inward outward level bent straight apart together away almost far close parallel',
);

/** Words that end as qualities do, and are things all the same. */
export const THINGS_LIKE_QUALITIES = list(
  'music mosaic fabric picnic attic comic garlic clinic mechanic cosmic traffic table vegetable cable stable olive dive hive detective native locomotive dish fish radish goldfish starfish jellyfish catfish',
);

/** Parts of a body: they come with whoever has them. */
export const BODY_WORDS = list(
  'head face eye eyes hair arm arms hand hands finger fingers leg legs knee knees foot feet toe toes torso body chest neck shoulder shoulders elbow elbows wrist waist hip hips thigh thighs ankle ankles back chin cheek cheeks lip lips mouth nose ear ears forehead skin brow eyebrows eyelashes teeth tongue beard mustache freckles expression smile gaze pose posture stance weight tail fur ponytail bangs makeup position',
);

/** Clothes and what is worn: part of the person who wears them, things of their own when nobody does. */
export const WORN_WORDS = list(
  'shirt t-shirt tshirt jacket coat jeans pants trousers shorts short skirt dress hat cap tie bowtie suit sweater hoodie shoes shoe boots boot gloves glove scarf socks sock sunglasses glasses helmet uniform visor vest blouse robe belt collar sleeve sleeves outfit clothes clothing costume necklace earring earrings bracelet ring watch leggings stocking stockings sneakers tee jersey apron cardigan',
);

export const PERSON_WORDS = list(
  'man woman person people girl boy child kid lady guy someone figure subject he she they men women children kids model player athlete worker soldier warrior character girls boys players figures characters',
);

/** What follows names an artist or a site, until the next mark. */
export const CREDIT_WORDS = list('by ar artstation pinterest deviantart uplight');

/** Talk about the picture rather than things in it. */
export const PICTURE_WORDS = list(
  'photo photograph photography picture image painting drawing illustration render rendering artwork art sketch portrait scene view shot closeup close-up style quality resolution detail lighting light background foreground composition color colour tone mood atmosphere aesthetic texture focus depth field angle perspective camera lens artstation masterpiece concept cgi octane unreal engine trending effect contrast exposure ratio aspect format design theme version frame shadow lot kind type sort way part piece number pair group set bunch variety time moment',
  'something someone anything everything nothing thing one image- realism film palette gradient vibe feel look clarity sharpness bokeh grain noise saturation inspiration technique medium sense use center middle top bottom side left right front back corner edge end distance line lines work cell instance example point day oil watercolor pencil ink deviantart cgsociety hd uhd px pixel dslr person-like greg rutkowski artgerm wlop',
  'imagen foto fotografía estilo fondo luz iluminación calidad bild stil hintergrund licht beleuchtung qualität photo style arrière plan lumière éclairage qualité imagem fundo luz iluminação qualidade immagine sfondo luce illuminazione qualità',
);

/** Number words before a plural: how many of one kind. */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map(
  'two three four five six seven eight nine ten eleven twelve'.split(' ').map((word, index) => [word, index + 2]),
);

/** Nouns in -ing, which are no doings. */
export const ING_NOUNS = list(
  'building buildings painting paintings ring rings king kings wing wings string strings thing things ceiling ceilings clothing morning evening lightning earring earrings spring railing railings awning sling swing wedding crossing stocking stockings drawing sibling duckling dumpling pudding landing parking frosting topping stuffing carving bling',
);

/** Particles and marks that part phrases in scripts without spaces. */
export const PARTING_CHARACTERS = new Set([
  ...'的地得和与與在是有着著了被把从從到及并並或中上下里裡内內外前后後旁边邊为為以其这這那个個一位只座张張幅条條片着、，。；：！？（）“”「」『』《》·はがをにのとでへもやからまで은는이가을를의에와과도로 \n,.;:!?()"\'',
]);
