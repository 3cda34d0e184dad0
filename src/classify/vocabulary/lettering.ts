// The words by which people ask for lettering, refuse it, or quote something that is not lettering at all. Data only,
// grouped by what a word proves. English is fullest; the other languages carry the words that decide most often.
import { phrases } from '../lexicon.ts';

export type LetteringConcept =
  | 'writing'
  | 'shows'
  | 'says'
  | 'lettering'
  | 'layout'
  | 'carrier'
  | 'bubble'
  | 'naming'
  | 'negator'
  | 'negated-after'
  | 'neutral';

export const letteringVocabulary: ReadonlyMap<LetteringConcept, readonly string[]> = new Map<LetteringConcept, readonly string[]>([
  [
    // What follows (or precedes) is the lettering itself.
    'writing',
    phrases(
      'that reads, which reads, reads, reading, it reads, that read, saying, that says, which says, that say, spelling, spelling out, spells, spells out, spelled out',
      'written, writing, handwritten, scrawled, scribbled, painted with the words, printed, imprinted, inscribed, engraved, etched, embossed, embroidered, stamped, stenciled',
      'labeled, labelled, labeled as, titled, entitled, captioned, emblazoned with, forming the word, showing the text, writes, with the words, with the word',
      'the word, the words, the text, the phrase, the letter, the letters, the number, the numbers, the message, the quote, the saying, the name, the initials, word, number',
      'that states, stating, states',
      'escrito, escrita, que dice, que diga, dice, impreso, grabado, titulado, titulada, con el texto, con la palabra, con las palabras, la palabra, texto, palabras',
      'beschriftet, geschrieben, aufschrift, mit dem text, mit der aufschrift, steht, steht geschrieben, wort, worte, betitelt, lautet, bedruckt',
      'écrit, écrite, inscrit, inscrite, imprimé, imprimée, qui dit, intitulé, intitulée, avec le texte, le mot, les mots, indiquant, affichant, portant',
      'que diz, dizendo, impresso, gravado, intitulado, com o texto, a palavra, palavra, com as palavras, escritas, escritos',
      'scritto, scritta, che dice, stampato, inciso, intitolato, con il testo, la parola, parola, recita, riporta',
      'надпись, с надписью, написано, надписью, слово, слова, с текстом, гласит, подпись',
      'yazan, yazılı, yazısı, yazıyor, yazısıyla, kelimesi, ibaresi, başlıklı, metni',
      'ghi, viết, dòng chữ, có chữ, in chữ, với dòng chữ, chữ, từ',
      'लिखा, लिखी, लिखे, शब्द, पाठ',
      '写着, 写有, 写道, 写上, 写的, 写, 寫著, 寫有, 寫, 刻着, 刻有, 刻著, 印着, 印有, 印著, 標有, 标有, 标着, 標示, 显示着, 書かれ, 書いて, 記載, 刻印, 印字, と書, という文字, 적힌, 적혀, 쓰여, 쓰인, 새겨진, 라고, 이라고, 문구, 글귀',
      '字样, 字樣, 数字, 數字, 写了, 文字为, 文字是, 拼出, 拼成, 绣着, 闪烁, 题写, 题有, 题为, 名为, 标注, 标题为, 内容为, 上书',
      'เขียนว่า, เขียน, คำว่า, ข้อความว่า, พิมพ์',
    ),
  ],
  // Weaker: only right before the quote.
  [
    'shows',
    phrases(
      'bearing, displaying, displays, displayed, showing, shows, marked, flashing, listing, announcing, proclaiming, declaring, asking, telling the viewer, fortune, painted on, hanging, hung, 挂着, 掛著, telling, 显示, 顯示, 弹出, 浮现, 浮現, 提示',
    ),
  ],
  [
    'says',
    phrases(
      'says, say, said, shouts, shouting, yells, yelling, thinking, asks, whispers, replies, exclaims, answers, 说, 說, 喊, 言, 말하',
    ),
  ],
  [
    // Letters as such.
    'lettering',
    phrases(
      'text, texts, texting, words, lettering, letters, letter, font, fonts, typeface, typography, typographic, inscription, inscriptions, calligraphy, wording, script, writings, numerals',
      'alphabet, monogram, wordmark, serif, sans serif, legible, readable, digits, characters in, kanji, acronym, text block, text blocks',
      'tipografía, tipográfico, letras, letra, rotulación, inscripción, textos, schrift, schriftzug, buchstaben, schriftart, texte, textes, lettres, police, typographie, tipografia, letras, testo, testi, lettere, carattere, буквы, текст, текста, шрифт, шрифтом, буквами',
      'yazı, yazılar, metin, harf, harfler, tipografi, văn bản, phông chữ, kiểu chữ, अक्षर, टेक्स्ट, फ़ॉन्ट',
      '文字, 字体, 字體, 书法, 書法, 字母, 艺术字, 藝術字, 中文, 英文, 汉字, 漢字, 大字, 粗体, 衬线, 襯線, 排版, 字符, 字号, フォント, タイポグラフィ, テキスト, 書道, 글자, 텍스트, 글씨, 폰트, 타이포그래피, 서체, 한글, ข้อความ, ตัวอักษร, ฟอนต์, ตัวหนังสือ',
    ),
  ],
  [
    // The named parts of a laid-out page.
    'layout',
    phrases(
      'title, titles, subtitle, subtitles, headline, headlines, heading, headings, header, headers, subheading, subheadline, caption, captions, tagline, taglines, slogan, slogans, footer, footnote, legend, callout, callouts',
      'annotation, annotations, bullet points, bullet point, paragraph, paragraphs, body text, byline, labels, label, masthead, call to action, cta, quote, message, credits, billing block, watermark, release date, barcode, price tag, coming soon, event details, date and venue, date and time, venue, contact details, website address, phone number, main title, brand name, product name, name tag, nameplate, motto, handwritten signature, copywriting, text labels, display copy',
      'título, titulo, subtítulo, titular, eslogan, etiqueta, etiquetas, leyenda, titel, überschrift, untertitel, slogan, etikett, beschriftungen, titre, sous titre, légende, étiquette, étiquettes, accroche, título, legenda, rótulo, titolo, sottotitolo, didascalia, etichetta, etichette, заголовок, подзаголовок, слоган, этикетка',
      'başlık, alt başlık, etiket, slogan, tiêu đề, nhãn, khẩu hiệu, phụ đề, शीर्षक, लेबल',
      '标题, 標題, 副标题, 副標題, 主标题, 主標題, 标语, 標語, 口号, 字幕, 标签, 標籤, 注释, 註釋, 说明文字, 台词, 旁白, 落款, 署名, 文案, 水印, 品牌名, 对白, タイトル, サブタイトル, 見出し, キャッチコピー, ラベル, 字幕, キャプション, 제목, 부제, 헤드라인, 자막, 라벨, 슬로건, 캡션, 타이틀, ชื่อเรื่อง, หัวข้อ, สโลแกน, ฉลาก, พาดหัว, แคปชั่น',
    ),
  ],
  [
    // Things lettering stands on: a quote beside one of them is lettering.
    'carrier',
    phrases(
      'sign, signs, signboard, signpost, street sign, road sign, neon sign, signage, billboard, banner, placard, plaque, board, blackboard, chalkboard, whiteboard, scoreboard, poster, posters, flyer, shirt, t shirt, tshirt, tee, hoodie, sweater, sweatshirt, cap, hat, jersey, mug, cup, bottle, jar, can, box, package, packaging, bag, book, books, cover, magazine, newspaper, screen, monitor, display, terminal, billboards, sticker, stickers, badge, tag, ticket, card, postcard, envelope, note, sticky note, paper, page, scroll, parchment, tombstone, gravestone, headstone, graffiti, mural, tattoo, license plate, number plate, logo, logos, stamp, marquee, awning, storefront, shop, cafe, café, store, tombstone, keycap, keycaps, key, wall, cake, flag, ribbon, notebook, diary, folder, comic, meme, advertisement, ad, letterhead, sky, skywriting, plate, pin, album, wristband, keychain, doormat, trophy, certificate, coin, fridge magnets, neon',
      'cartel, letrero, pancarta, camiseta, pantalla, logotipo, schild, plakat, leuchtschrift, banner, tafel, bildschirm, panneau, enseigne, pancarte, affiche, écran, placa, cartaz, faixa, tela, cartello, insegna, schermo, maglietta, вывеска, вывеску, табличка, табличку, плакат, футболка, экран, tabela, tabelası, tişört, pankart, afiş, ekran, biển hiệu, áo thun, bảng',
      '招牌, 牌子, 木牌, 指示牌, 路牌, 告示牌, 标牌, 屏幕, 屏, 横幅, 橫幅, 条幅, 海报, 海報, 封面, 霓虹灯, 广告牌, 黑板, 白板, T恤, 衣服, 杯, 瓶, 卡片, 纸条, 信封, 信纸, 书封, 书页, 墓碑, 石碑, 墙, 徽章, 牌匾, 匾额, 对联, 卷轴, 便签, 看板, 標識, シャツ, 画面, ポスター, 간판, 표지판, 티셔츠, 화면, 포스터, ป้าย, เสื้อ, โปสเตอร์, โลโก้',
    ),
  ],
  [
    'bubble',
    phrases(
      'speech bubble, speech bubbles, thought bubble, dialogue bubble, dialogue bubbles, speech balloon, speech balloons, word balloon, dialogue box, thought bubbles, chat bubble, chat bubbles, bocadillo, bocadillos de diálogo, sprechblase, sprechblasen, bulle de dialogue, bulles, bulles de dialogue, balão de fala, balões de fala, fumetto, nuvoletta, konuşma balonu, bong bóng thoại',
      '对话框, 對話框, 对话气泡, 對話氣泡, 气泡框, 吹き出し, セリフ, 台詞, 말풍선, 대사',
    ),
  ],
  [
    // What follows is a name, a manner or a feeling, not letters to draw.
    'naming',
    phrases(
      'style of, in the style, called, named, nicknamed, known as, so called, inspired by, film, movie, novel, song, aesthetic of, effect of, the classic, sculpture, pose of, vibe, vibes, atmosphere of, feeling of, feel, sense of, emotions like, concept of, a dense, the theme of, theme, based on, tale of, story of, scene from, character, role, game, series, painting, titled painting, like, from',
      'estilo de, llamado, llamada, sensación de, efecto de, stil von, namens, gefühl, film, style de, appelé, nommé, effet, estilo, chamado, chamada, sensação de, stile di, chiamato, sensazione di, в стиле, по имени, фильм, tarzında, adlı, etkisi, phong cách',
      '风格, 風格, 叫做, 名叫, 称为, 电影, 電影, 小说, 氛围, 模仿, 灵感源自, 源自, 效果, 经典, 体现, 仿佛, 如同, 映画, のような, 風の, 스타일, 영화, 느낌',
    ),
  ],
  [
    'negator',
    phrases(
      'no, without, not, never, avoid, avoiding, zero, free of, free from, exclude, excluding, remove, removing, nor, none, negative prompt, negative prompts, negative, do not, dont, omit, must not, illegible, unreadable, blurred, indecipherable, minimal to no, lacks, lacking, devoid of, instead of, unlabeled, unlabelled, undecipherable, forbidden',
      'sin, ningún, ninguna, evitar, ohne, kein, keine, keinen, keinerlei, sans, aucun, aucune, pas de, sem, nenhum, nenhuma, não, senza, nessun, nessuna, nessuno, без, нет, никаких, không, không có, बिना, कोई',
      '无, 無, 没有, 沒有, 不要, 不含, 不带, 不帶, 不出现, 不得, 避免, 禁止, 去除, 移除, 去掉, 不需要, 请勿, 勿, 非, ไม่มี, ห้าม, ปราศจาก',
    ),
  ],
  [
    'negated-after',
    phrases(
      'free, yok, olmadan, olmasın, içermeyen, içermez, なし, 無し, 入れない, 含まない, 없음, 없이, 없는, 없고, 제외, 금지, नहीं, बिना',
    ),
  ],
  [
    // Phrases that contain a lettering word and mean none.
    'neutral',
    phrases(
      'caption space, text space, title space, copy space, space for text, space for copy, space for caption, character design, characters, no other, contact sheet, sign of, signs of, peace sign, key light, key visual, title character, cap sleeve, box office, letter opener, as a sign, reading a, reading the, reading an, reading his, reading her, reading their, reading books, reading in, reading on, reading under, is reading, are reading, sits reading, while reading, writing a, writing in, is writing, script lighting, shows a, shows the, shows an, showing a, showing the, displaying a, displays a, displaying the, bearing a, bearing the, a number of, yield, number of, large number, note of, on board, the sky, word of, words of, the name of the game, label free, text free, in other words, book of, cover of snow, sign language, road signs, reads a, reads the, reads from, open book, paper texture, paper textures, torn paper, like text, sky blue, color key, low key, high key',
      '无声, 无数, 无限, 无尽, 无边, 无缝, 无人, 无比, 无形, 无垠, 无法, 无暇, 无瑕, 無數, 無限, 無聲, 無盡, 非常, 非凡, 写实, 寫實, 写真, 描写, 特写, 特寫, 标题空间, 標題空間, 文字列, 文案空间, 数字艺术, 数字绘画, 数字艺术风格, 数字人, 数字渲染, 数字插画, 数字货币, 数字噪点, 书籍, 书架, 书桌, 书包, 杯子, 瓶子, 墙面, 墙壁, 象形文字, 书房, 中文名',
    ),
  ],
]);
