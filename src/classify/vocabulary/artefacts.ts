// Kinds of picture that are made of lettering, by how much of it they carry. `document`: whole texts, whatever the
// prompt quotes. `short`: a name or a title, even when its words are not given. `scenery`: phrases that contain one of
// those words and ask for no letters (a game screenshot, poster art style). Data only.
import { phrases } from '../lexicon.ts';

export type ArtefactConcept = 'document' | 'topic' | 'labelling' | 'drawing' | 'short' | 'short-topic' | 'scenery';

export const artefactVocabulary: ReadonlyMap<ArtefactConcept, readonly string[]> = new Map<ArtefactConcept, readonly string[]>([
  [
    'document',
    phrases(
      'infographic, infographics, info graphic, flowchart, flow chart, pie chart, bar chart, bar graph, line graph, org chart, mind map, mindmap, diagram, labeled diagram, cheat sheet, data visualization, decision tree, family tree, periodic table, comparison table, spreadsheet, slide deck, presentation slide, powerpoint, ppt, pitch deck, a slide',
      'menu design, restaurant menu, cafe menu, flyer, leaflet, brochure, pamphlet, invitation, invitation card, wedding invitation, business card, invoice, prescription, prescription sheet, newsletter, crossword, worksheet, textbook page, exam paper, recipe card, quote card, table of contents, newspaper front page, newspaper page, magazine spread, magazine layout, magazine page, manuscript page, documentation, data sheet, spec sheet, fact sheet, blueprint sheet, scorecard',
      'ui design, ui mockup, interface design, app interface, app screen, mobile app screen, web design, landing page, wireframe, homepage, login screen, app store, product page, merchandise page, e commerce page, chat screenshot, chat window, social media interface, livestream interface, wechat, weibo, tiktok interface, youtube thumbnail, product detail page',
      'manga page, four panel, 4 panel, four panel comic, webtoon, comic panels, manga panels, storyboard sheet, character reference sheet, turnaround sheet, design sheet, relationship map, knowledge map, exploded view diagram, exploded assembly drawing, technical drawing with dimensions, catalog page, specification sheet, brand guidelines, brand board, moodboard with labels, presentation board, promotional materials, analysis sheet, scrapbook page, sign designs, facebook post, linkedin post, price list, score sheet, sheet music, ad specifications, program booklet',
      'infografía, infografia, diagrama, gráfico de barras, folleto, invitación, página web, tira cómica, línea de tiempo, infografik, diagramm, flyer, einladung, speisekarte, webseite, benutzeroberfläche, comicseite, zeitstrahl, produktseite, infographie, diagramme, dépliant, carte de menu, page web, page de manga, bande dessinée, frise chronologique, infográfico, panfleto, cardápio, convite, linha do tempo, infografica, volantino, pagina web, tavola a fumetti, linea temporale, инфографика, инфографику, схема, диаграмма, листовка, меню, приглашение, комикс, infografik, diyagram, broşür, davetiye, zaman çizelgesi, çizgi roman, infographic, sơ đồ, thực đơn, thiệp mời, trang web, dòng thời gian, truyện tranh, इन्फोग्राफिक, आरेख, मेनू',
      '推文, 信息图, 資訊圖, 信息圖, 图表, 圖表, 流程图, 流程圖, 示意图, 示意圖, 解析图, 结构图, 关系图, 圖譜, 详解图, 讲解图, 分析图, 思维导图, 时间轴, 時間軸, 时间线, 地图集, 菜单, 菜單, 传单, 宣传单, 宣传册, 邀请函, 邀請函, 请柬, 名片, 简历, 小票, 收据, 发票, 处方, 药方, 簡報, 介面, 网页, 網頁, 网站, 截屏, 截圖, 直播间, 朋友圈, 微博, 弹幕, 聊天记录, 详情页, 详情图, 商品页, 漫画页, 四格漫画, 条漫, 四格, 分镜, 分鏡, 设定集, 设定图, 设定表, 三视图, 拆解图, 爆炸图, 说明书, 报纸头版, 手抄报, 科普图, 知识卡片, 试卷, 月历, 食谱, 手账',
      'インフォグラフィック, 図解, フローチャート, チャート, 名刺, チラシ, 招待状, スライド, ウェブページ, ウェブサイト, 設定資料, キャラクターシート, 年表, 四コマ, 4コマ, 漫画ページ, 説明図, 相関図, 人物相関図, ダッシュボード, 引用カード',
      '인포그래픽, 다이어그램, 도표, 순서도, 메뉴판, 전단지, 초대장, 명함, 슬라이드, 웹페이지, 웹사이트, 대시보드, 만화 페이지, 웹툰, 연표, 설정집, 캐릭터 시트',
      'อินโฟกราฟิก, แผนภาพ, แผนภูมิ, แผ่นพับ, หน้าเว็บ, ไทม์ไลน์',
    ),
  ],
  [
    // Drawings that become documents when something on them is to be labelled or measured.
    'labelling',
    phrases(
      'label the, label each, label all, label both, label every, label any, label key, label areas, and label, clearly label, clearly labeled, clearly labelled, properly labeled, labeling each, labeling the, labeling it, labelling the, labeled with, all labeled, a labeled, a labelled, with labels for, with labels, labels for, labeled parts, annotate, annotated with, with annotations, labels on, are labeled, are labelled, is labeled, are etiquetados, sind beschriftet, beschriftet sind, sono etichettati, sont étiquetés, são rotulados, rotulados, indicate and label, etichettati, beschriftet mit, étiquetés, etiquetados, 标出, 标明, 标注出, 分别标注, ラベルを付け',
    ),
  ],
  [
    // Documents when the prompt is about them; scenery when they hang on a wall in the middle of it.
    'topic',
    phrases(
      'diagrams, chart, charts, timeline, calendar, certificate, receipt, ui, ux, user interface, website, web page, webpage, dashboard, hud, home page, moments, guide, tutorial, two panel, character sheet, travel guide, step by step, recipe, textbook, mobile app, explainer, slides, front page, interface, schematic, a menu, tweet, annotated, twitter post, instagram post, encyclopedia, live stream, livestream, live streaming, trading card, tarot card, storyboard, reference sheet, model sheet, tweets, itinerary, exploded diagram, comic strip, resume, cv, menú, menü, menu board, interfaz, arayüz, giao diện, interfaccia, мeню, интерфейс, сайт, quadrinhos, advertisement, advert, magazine ad, 광고 이미지, schéma, comic page, menu',
      '表格, 教程, 直播, 图谱, 目录, 日历, 证书, 攻略, 截图, 界面, 主页, 科普, 步骤图, 幻灯片, 인터페이스, อินเทอร์เฟซ, เมนู, メニュー, 日记, 书信, 作文, 提案, 분석 포스터',
    ),
  ],
  [
    // Drawings that become documents when something on them is to be labelled or measured.
    'drawing',
    phrases(
      'graph, axes, map, plan, cross section, exploded view, blueprint, grid, panel, panels, comic, manga, screenshot, collage, layout, card, sheet, triangle, circuit, molecule, apparatus, polygon, coordinate, graph of, structural formula',
      '地图, 地圖, 漫畫, 拼贴, 排版, 版式, マンガ, レイアウト, 만화, 레이아웃, การ์ตูน',
    ),
  ],
  [
    'short',
    phrases(
      'logo, logos, logotype, logo design, wordmark, monogram, poster, movie poster, film poster, propaganda poster, travel poster, book cover, album cover, album artwork, cd cover, dvd cover, vhs cover, game cover, comic book cover, cover artwork for, title screen, stop sign, stop signs, yield sign, exit sign, speed limit sign, welcome sign, cover of a book, warning label, warning sign, business sign, packaging design, product packaging, retail packaging, jersey number, license plate, number plate, emblem logo, brand logo, comic about, postcard, greeting card, birthday card, sticker pack, wine label, beer label, product label, neon sign that, cereal box, campaign poster, social media post design, banner design, cover page, movie title, name tag, price tag',
      'cartel publicitario, póster, portada de, afiche, logotipo, plakat, filmplakat, buchcover, affiche, pochette, couverture de, cartaz, pôster, capa de, poster, locandina, manifesto, copertina, логотип, логотипа, постер, плакат, обложка, afiş, poster, kapak, áp phích, logo, पोस्टर, लोगो',
      '海报, 海報, 标志设计, 徽标, 商标, 包装设计, 包裝, 包装盒, 明信片, 贺卡, 表情包, 表情包制作, 竖排, 车牌, 標誌, ロゴ, ポスター, 表紙, 広告, パッケージ, 로고, 포스터, 표지, 광고, 패키지, โปสเตอร์, โลโก้, โฆษณา',
    ),
  ],
  [
    // The same when the prompt is about them.
    'short-topic',
    phrases(
      'posters, billboard, meme, a map of, map showing, world map, treasure map, google map, ad campaign, thumbnail, magazine cover, vip, neon sign, sticker set, chibi style stickers, stickers, emoji pack, propaganda, magazine, greeting card, google maps, 封面, 广告, 廣告, 地图, 地圖, 书法, 标志, 漫画, 贴纸',
    ),
  ],
  [
    'scenery',
    phrases(
      'poster format, poster composition, poster frame, poster art, poster style, poster art style, poster aesthetic, vintage poster style, poster by, game cover art, cover art, card game art, comic cover, comic cover painting, comic cover art, magazine quality, magazine style, magazine editorial, magazine photography, advertising photography, advertisement photography, book cover illustration, artstation, game screenshot, movie screenshot, film screenshot, in game screenshot, logo free, no logo, trading card game, trading card game art, comic style, comic book style, comic book, comic art, graphic design, concept sheet, chart topping, map of the, on the menu, menu of, interface of, user guide, guide dog, tour guide, style guide, color chart, cover shot, cover photo, wooden table, dining table, coffee table, family photo, diagrammatic, poster ready, cell phone, website background, wall calendar, dust cover, cover girl, cover story, magazine cover style, vogue style, posterized, logostation, card art, in the interface, holographic interface, audio interface, holographic interfaces, hud interface, touchscreen interface',
      '海报风格, 海报质感, 杂志封面风格, 广告风格, 广告摄影, 广告质感, 广告级, 商业广告摄影, 漫画风格, 全息界面, 标志性, 标志着, 标志建筑, 科普风格, 封面风格, 游戏截图, 电影截图, 广告感, 商业广告, 地标, 標誌性, ポスター風, 広告写真, 포스터 스타일, 광고 사진',
    ),
  ],
]);
