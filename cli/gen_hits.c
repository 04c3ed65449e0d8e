/* Rows for trying out and measuring: 105 columns of page views, as PostgreSQL COPY text.
 *
 * The shape is that of the public `hits` table of ClickBench: clustered by CounterID, EventDate,
 * UserID, EventTime; a few big and many small counters; visits of some views by one user; pages,
 * titles, referrers and search phrases with a popular head and a long tail; most search phrases
 * empty.  Distinct counts grow with the number of rows as they do there.  No text is taken from it:
 * words and names below are our own, pages and titles are made from them by hashing.
 *
 * The output depends on --rows and --seed only: all arithmetic is on integers, nothing asks libm,
 * the locale or the machine.
 *
 * Order of work: counters in ascending id, each with its share of rows; days; users of that day in
 * ascending id; the views of a visit.  What does not change during a visit is formatted once per
 * visit, so a row costs a few copies. */
#include "gen_hits.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quern.h"

#define DAYS          31
#define ROW_BYTES_MAX 8192u
#define OUT_BYTES     ((size_t)1 << 20)
#define WORDS         2048u
#define WORD_SLOT     48u /* words are copied as whole slots */

/* ---- random numbers: one mixing function is all there is
 * ------------------------------------------------ */

static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ (x >> 32);
}

static inline uint64_t mix2(uint64_t a, uint64_t b)
{
    return mix(a * 0x9e3779b97f4a7c15ull + mix(b));
}

/* h to 0..n-1, evenly. */
static inline uint64_t below(uint64_t h, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)h * n) >> 64);
}

/* h to 0..n-1 with a probability about proportional to 1/(i+1): an octave evenly, then a place in
 * it. */
static inline uint64_t skewed(uint64_t h, uint64_t n)
{
    unsigned octaves = 64 - (unsigned)__builtin_clzll(n | 1);
    uint64_t octave = (h & 0xffff) * octaves >> 16;
    uint64_t i = (1ull << octave) - 1 + below(mix(h), 1ull << octave);
    return i < n ? i : below(h, n);
}

typedef struct stream { /* a sequence of random numbers with a position of its own */
    uint64_t state;
} stream;

static inline uint64_t next(stream *s)
{
    s->state += 0x9e3779b97f4a7c15ull;
    return mix(s->state);
}

/* True in `n` of a million cases. */
static inline bool chance(stream *s, uint64_t n)
{
    return below(next(s), 1000000) < n;
}

/* ---- formatting
 * ------------------------------------------------------------------------------------------- */

static char two_digits[200];

static inline char *put_uint(char *p, uint64_t v)
{
    char  digits[20];
    char *d = digits + sizeof digits;
    while (v >= 100) {
        d -= 2;
        memcpy(d, two_digits + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        d -= 2;
        memcpy(d, two_digits + v * 2, 2);
    } else {
        *--d = (char)('0' + v);
    }
    size_t n = (size_t)(digits + sizeof digits - d);
    memcpy(p, d, n);
    return p + n;
}

static inline char *put_int(char *p, int64_t v)
{
    if (v < 0) {
        *p++ = '-';
        return put_uint(p, 0 - (uint64_t)v);
    }
    return put_uint(p, (uint64_t)v);
}

static inline char *put_bytes(char *p, const char *s, size_t n)
{
    memcpy(p, s, n);
    return p + n;
}

static inline char *put_str(char *p, const char *z)
{
    return put_bytes(p, z, strlen(z));
}

/* A number and the tab behind it. */
static inline char *field(char *p, int64_t v)
{
    p = put_int(p, v);
    *p++ = '\t';
    return p;
}

static inline char *field_str(char *p, const char *z)
{
    p = put_str(p, z);
    *p++ = '\t';
    return p;
}

static char date_text[DAYS + 8][12]; /* "2013-06-28 " and on: three days before July, some after */

/* Seconds since 2013-07-01 00:00, from -3 days to +4 days around the month. */
static inline char *field_time(char *p, int64_t seconds)
{
    uint64_t s = (uint64_t)(seconds + 3 * 86400), day = s / 86400, t = s % 86400;
    memcpy(p, date_text[day], 11);
    memcpy(p + 11, two_digits + t / 3600 * 2, 2);
    p[13] = ':';
    memcpy(p + 14, two_digits + t / 60 % 60 * 2, 2);
    p[16] = ':';
    memcpy(p + 17, two_digits + t % 60 * 2, 2);
    p[19] = '\t';
    return p + 20;
}

/* ---- words
 * ------------------------------------------------------------------------------------------------
 */

static const char *const stems_ru[] = {
    "дом",     "окн",     "мебел",    "кухн",     "диван",   "город",     "погод",   "дорог",
    "поезд",   "билет",   "магазин",  "цен",      "скидк",   "доставк",   "товар",   "каталог",
    "отзыв",   "фильм",   "сериал",   "музык",    "песн",    "игр",       "рецепт",  "салат",
    "пирог",   "сад",     "огород",   "семен",    "трактор", "двигател",  "колес",   "шин",
    "запчаст", "ремонт",  "обо",      "краск",    "кирпич",  "бетон",     "плитк",   "лестниц",
    "двер",    "замок",   "ламп",     "свет",     "провод",  "телефон",   "планшет", "компьютер",
    "монитор", "принтер", "камер",    "объектив", "книг",    "учебник",   "школ",    "урок",
    "задач",   "экзамен", "ваканси",  "работ",    "резюм",   "зарплат",   "кредит",  "вклад",
    "банк",    "валют",   "налог",    "закон",    "договор", "адвокат",   "врач",    "клиник",
    "аптек",   "витамин", "здоров",   "спорт",    "бассейн", "велосипед", "лыж",     "коньк",
    "рыбалк",  "охот",    "палатк",   "отдых",    "море",    "пляж",      "отел",    "экскурси",
    "виз",     "самол",   "автобус",  "карт",     "улиц",    "район",     "квартир", "комнат",
    "аренд",   "участ",   "новост",   "газет",    "журнал",  "форум",     "вопрос",  "ответ",
    "совет",   "подарок", "праздник", "свадьб",   "плать",   "куртк",     "сапог",   "сумк",
    "кошел",   "час",     "кольц",    "серьг",    "кошк",    "собак",     "щенк",    "корм",
    "аквариум"};
static const char *const endings_ru[] = {"а",  "ы",    "ов", "ный",  "ная",  "ные",  "ами",  "у",
                                         "ом", "ской", "ик", "овый", "ания", "ение", "ость", "чик"};
static const char *const words_en[] = {
    "online",  "photo",   "video",  "home",   "smart",   "classic", "sport",  "auto",
    "mini",    "super",   "best",   "new",    "windows", "driver",  "camera", "mobile",
    "battery", "service", "market", "travel", "hotel",   "music",   "radio",  "style",
    "fashion", "kids",    "garden", "light",  "power",   "digital", "free",   "forum"};
static const char *const latin[] = {
    "dom",       "okna",      "mebel",   "kuhni",  "divany",    "gorod",   "pogoda",  "dorogi",
    "bilety",    "magazin",   "ceny",    "skidki", "dostavka",  "tovary",  "catalog", "otzyvy",
    "filmy",     "serialy",   "muzyka",  "pesni",  "igry",      "recepty", "sad",     "semena",
    "shiny",     "zapchasti", "remont",  "oboi",   "plitka",    "dveri",   "lampy",   "telefony",
    "planshety", "monitory",  "kamery",  "knigi",  "uchebniki", "shkola",  "zadachi", "vakansii",
    "rabota",    "kredity",   "vklady",  "banki",  "nalogi",    "zakony",  "vrachi",  "apteki",
    "sport",     "lyzhi",     "rybalka", "otdyh",  "plyazhi",   "oteli",   "karta",   "ulitsy",
    "kvartiry",  "arenda",    "novosti", "gazeta", "forum",     "voprosy", "podarki", "svadba"};
static const char *const parameters[] = {"page", "id",  "sort",  "order", "city", "lang",
                                         "from", "to",  "price", "type",  "cat",  "view",
                                         "q",    "ref", "sid",   "tab"};
static const char *const domains[] = {"ru", "ru", "ru", "com", "ua", "net", "by", "org"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct word {
    char    text[WORD_SLOT];
    uint8_t bytes;
} word;

static word words[WORDS]; /* titles and phrases */
static word escaped[256]; /* Russian words as URLs carry them, cut short */
static word paths[COUNT(latin)];

static void set_word(word *w, const char *text, size_t bytes)
{
    memset(w, 0, sizeof *w);
    w->bytes = (uint8_t)(bytes < WORD_SLOT ? bytes : WORD_SLOT);
    memcpy(w->text, text, w->bytes);
}

static void make_words(void)
{
    char text[256];

    for (unsigned i = 0; i < 100; i++) {
        two_digits[2 * i] = (char)('0' + i / 10);
        two_digits[2 * i + 1] = (char)('0' + i % 10);
    }
    for (int d = 0; d < DAYS + 8; d++) {
        int month = d < 3 ? 6 : d < 34 ? 7 : 8, day = d < 3 ? 28 + d : d < 34 ? d - 2 : d - 33;
        snprintf(text, sizeof text, "2013-%02d-%02d ", month, day);
        memcpy(date_text[d], text, 11);
    }
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t h = mix(i + 1);
        int      n;
        if (h % 9 == 0)
            n = snprintf(text, sizeof text, "%s", words_en[(h >> 8) % COUNT(words_en)]);
        else
            n = snprintf(text, sizeof text, "%s%s", stems_ru[(h >> 8) % COUNT(stems_ru)],
                         endings_ru[(h >> 24) % COUNT(endings_ru)]);
        set_word(&words[i], text, (size_t)n);
    }
    for (unsigned i = 0; i < COUNT(escaped); i++) {
        const char *stem = stems_ru[i % COUNT(stems_ru)];
        size_t      n = 0;
        for (const char *s = stem; *s && n + 3 < WORD_SLOT; s++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%%%02X", (unsigned char)*s);
        set_word(&escaped[i], text, n / 6 * 6);
    }
    for (unsigned i = 0; i < COUNT(latin); i++)
        set_word(&paths[i], latin[i], strlen(latin[i]));
}

static inline char *put_word(char *p, const word *w)
{
    memcpy(p, w->text, WORD_SLOT);
    return p + w->bytes;
}

/* A popular word more often than a rare one. */
static inline const word *any_word(uint64_t h)
{
    return &words[((h & 0x7ff) * ((h >> 11) & 0x7ff)) >> 11];
}

/* ---- pages
 * -------------------------------------------------------------------------------------------------
 */

static char *put_host(char *p, uint64_t site)
{
    uint64_t h = mix(site);
    if (h & 1)
        p = put_str(p, "www.");
    p = put_word(p, &paths[below(h, COUNT(paths))]);
    *p++ = '-';
    p = put_word(p, &paths[below(mix(h + 1), COUNT(paths))]);
    if (h & 6)
        p = put_uint(p, h >> 40 & 0xfff);
    *p++ = '.';
    return put_str(p, domains[h >> 8 & 7]);
}

/* The address of page `page` of a site; the same page has always the same address. */
static char *put_url(char *p, uint64_t site, uint64_t page)
{
    uint64_t h = mix2(site, page);

    p = put_str(p, (h & 15) == 0 ? "https://" : "http://");
    p = put_host(p, site * 4 + (h >> 60 == 0));
    for (unsigned n = 1 + (h >> 4 & 3), i = 0; i < n; i++) {
        *p++ = '/';
        p = put_word(p, &paths[h >> (8 + 6 * i) & 63]);
    }
    *p++ = '/';
    p = put_uint(p, page * 7 + (h >> 32 & 7));
    uint64_t g = mix(h);
    switch (g & 7) {
    case 0:
        p = put_str(p, ".html");
        break;
    case 1:
        *p++ = '/';
        break;
    case 2:
    case 3: /* words of a search, escaped */
        p = put_str(p, "?text=");
        p = put_word(p, &escaped[g >> 8 & 255]);
        if (g & 16) {
            *p++ = '+';
            p = put_word(p, &escaped[g >> 16 & 255]);
        }
        break;
    default:
        for (unsigned n = (unsigned)(g >> 4 & 7), i = 0; i < n; i++) {
            *p++ = i ? '&' : '?';
            p = put_str(p, parameters[g >> (8 + 4 * i) & 15]);
            *p++ = '=';
            p = put_uint(p, mix(g + i) >> (40 + 6 * (i & 3)));
        }
    }
    if (page > 500 &&
        below(mix(g), 1500) == 0) /* not a popular page, so that the share is steady */
        p = put_str(p, "#utm_source=google&utm_medium=cpc");
    return p;
}

static char *put_title(char *p, uint64_t site, uint64_t title)
{
    uint64_t h = mix2(site ^ 0x7469746c65, title);

    if (below(h, 50) == 0)
        return p; /* pages without one */
    unsigned n = 5 + (unsigned)(h & 7) + (unsigned)(h >> 3 & 7);
    for (unsigned i = 0; i < n; i++) {
        h = mix(h + i);
        p = put_word(p, any_word(h));
        switch (h >> 22 & 15) {
        case 0:
            p = put_str(p, ", ");
            break;
        case 1:
            p = put_str(p, " - ");
            break;
        case 2:
            p = put_str(p, ". ");
            break;
        case 3:
            p = put_str(p, " | ");
            break;
        case 4:
            *p++ = ' ';
            p = put_uint(p, h >> 48);
            *p++ = ' ';
            break;
        default:
            *p++ = ' ';
        }
    }
    if (below(mix(h), 3000) == 0)
        p = put_str(p, "Google");
    return p[-1] == ' ' ? p - 1 : p;
}

static char *put_phrase(char *p, uint64_t phrase)
{
    uint64_t h = mix(phrase ^ 0x706872617365);
    unsigned n = 2 + (unsigned)(h & 3) + (unsigned)(h >> 2 & 1);
    for (unsigned i = 0; i < n; i++) {
        h = mix(h + i);
        if (i)
            *p++ = ' ';
        p = put_word(p, any_word(h));
    }
    if (h >> 60 == 0) {
        *p++ = ' ';
        p = put_uint(p, h & 0xfff);
    }
    return p;
}

/* ---- columns with few values: values and their weights
 * ------------------------------------------------------- */

typedef struct share {
    int32_t  value;
    uint32_t weight; /* of 1000, the last row takes what is left */
} share;

static int32_t pick(uint64_t h, const share *table, size_t count)
{
    uint64_t x = below(h, 1000);
    for (size_t i = 0; i + 1 < count; i++) {
        if (x < table[i].weight)
            return table[i].value;
        x -= table[i].weight;
    }
    return table[count - 1].value;
}

#define PICK(h, table) pick((h), (table), COUNT(table))

static const share os_shares[] = {{44, 480}, {2, 310}, {126, 45}, {1, 30},  {159, 25},
                                  {74, 20},  {77, 15}, {36, 15},  {45, 15}, {109, 12},
                                  {0, 10},   {133, 8}, {219, 8},  {47, 7}};
static const share agent_shares[] = {{5, 250}, {3, 235}, {7, 190}, {2, 142}, {88, 83}, {32, 30},
                                     {1, 20},  {82, 18}, {46, 12}, {37, 8},  {27, 6},  {61, 6}};
static const share width_shares[] = {{1638, 270}, {1368, 180}, {1917, 120}, {1996, 108},
                                     {1750, 65},  {1087, 55},  {1828, 48},  {582, 30},
                                     {2038, 24},  {1261, 20},  {0, 20},     {1440, 60}};
static const share height_shares[] = {{554, 280}, {1658, 205}, {938, 110}, {1781, 100},
                                      {777, 70},  {1126, 50},  {730, 28},  {879, 24},
                                      {686, 22},  {1050, 61},  {0, 50}};
static const share depth_shares[] = {{37, 700}, {23, 255}, {0, 28}, {22, 17}};
static const share flash_shares[] = {{15, 900}, {14, 96}, {5, 3}, {12, 1}};
static const share flash_minor_shares[] = {{7, 460}, {13, 280}, {0, 40}, {1, 60},
                                           {2, 50},  {4, 40},   {3, 40}, {5, 30}};
static const share age_shares[] = {{31, 490}, {55, 180}, {50, 180}, {28, 105}, {22, 45}};
static const share sex_shares[] = {{1, 540}, {2, 460}};
static const share income_shares[] = {{3, 505}, {2, 480}, {1, 15}};
static const share zone_shares[] = {{135, 730}, {243, 180}, {433, 32}, {-1, 14}, {65, 12},
                                    {322, 10},  {397, 8},   {794, 7},  {291, 7}};
static const share source_shares[] = {{-1, 690}, {3, 131}, {0, 64}, {1, 58},
                                      {2, 35},   {4, 8},   {6, 8},  {5, 6}};
static const share engine_shares[] = {{2, 660}, {3, 190}, {13, 70}, {4, 40},
                                      {14, 20}, {9, 15},  {1, 5}};
static const share adv_shares[] = {{2, 650}, {27, 175}, {13, 90}, {45, 40},
                                   {44, 20}, {3, 15},   {62, 6},  {52, 4}};
static const share phone_shares[] = {{1, 540}, {6, 300}, {5, 30},   {7, 30}, {4, 25},
                                     {27, 20}, {32, 20}, {118, 15}, {10, 20}};
static const share silver_shares[] = {{31337, 500}, {15738, 140}, {16561, 110}, {9577, 80},
                                      {60817, 60},  {46077, 50},  {55685, 60}};
static const char *const phone_models[] = {
    "iPad", "iPad",      "iPad",    "iPhone",  "iPhone", "GT-I9300", "GT-P5100",
    "A510", "Lumia 820", "Nexus 7", "HTC One", "E15i",   "Xperia Z"};
static const char *const languages[] = {"ru", "ru", "ru", "ru", "ru", "ru", "ru", "ru",
                                        "ru", "ru", "ru", "ru", "en", "uk", "be", "kk"};
static const char *const countries[] = {"RU", "RU", "RU", "RU", "RU", "RU", "",   "UA",
                                        "UA", "",   "RU", "RU", "KZ", "BY", "RU", "US"};
static const char *const campaigns[] = {"summer_sale", "brand-main", "retarget_cart", "cpm_regions",
                                        "context-all", "spring2013", "promo_2",       "net_teaser"};

/* ---- a visit: what its rows share, formatted once
 * ------------------------------------------------------------ */

typedef struct segment {
    char   text[768];
    size_t bytes;
} segment;

typedef struct visit {
    segment  user;    /* ClientIP … UserAgent */
    segment  screen;  /* ResolutionWidth … IPNetworkID */
    segment  window;  /* WindowClientWidth … ClientTimeZone */
    segment  silver;  /* SilverlightVersion1 … CodeVersion */
    segment  unique;  /* IsNotBounce, FUniqID */
    segment  person;  /* Age … RemoteIP */
    segment  browser; /* WindowName … SendTiming */
    segment  tags;    /* SocialSourceNetworkID … HasGCLID */
    int64_t  local_shift;
    int64_t  client_shift;
    bool     old_clock; /* the client's clock stands in 1971 */
    bool     searches;
    uint64_t phrase;
    int32_t  source, engine, adv;
    uint64_t page, previous_page;
    uint64_t referer_kind, referer_seed; /* where the visit came from */
} visit;

typedef struct generator {
    uint64_t rows, seed;
    uint64_t users; /* size of the population */
    uint64_t row;   /* how many are written */
    char    *out, *at, *end;
    int      error;
} generator;

static void close_segment(segment *s, const char *p)
{
    s->bytes = (size_t)(p - s->text);
}

static int32_t region_of(uint64_t h)
{
    static const int32_t first[] = {229, 2, 169, 208, 184, 158, 34, 55, 107, 42};
    uint64_t             i = skewed(h, 9040);
    return i < COUNT(first) ? first[i] : (int32_t)(i * 13 + 1);
}

static void user_segments(visit *v, uint64_t user, int64_t user_id, uint64_t h)
{
    bool     mobile = below(h, 1000) < 75;
    bool     flash = !mobile && below(mix(h + 1), 1000) < 950;
    uint64_t b = mix(h + 60); /* single bits; the high ones of h are spent on `mobile` */
    uint64_t ip = mix(user / 3 + 77);
    char    *p = v->user.text;

    p = field(p, (int32_t)ip);
    p = field(p, region_of(mix(ip)));
    p = field(p, user_id);
    p = field(p, 0);
    p = field(p, PICK(mix(h + 2), os_shares));
    p = field(p, PICK(mix(h + 3), agent_shares));
    close_segment(&v->user, p);

    p = v->screen.text;
    p = field(p, PICK(mix(h + 4), width_shares));
    p = field(p, PICK(mix(h + 5), height_shares));
    p = field(p, PICK(mix(h + 6), depth_shares));
    p = field(p, flash ? PICK(mix(h + 7), flash_shares) : 0);
    p = field(p, flash ? PICK(mix(h + 8), flash_minor_shares) : 0);
    if (flash) {
        p = put_uint(p, 100 * (1 + below(mix(h + 9), 8)));
        if (b >> 61 == 0) {
            *p++ = '.';
            p = put_uint(p, 90 + (h >> 20 & 7));
        }
    }
    *p++ = '\t';
    bool net = below(mix(h + 10), 1000) < 70;
    p = field(p, net ? 2 + (b >> 30 & 1) * (b >> 31 & 1) : 0);
    p = field(p, net ? 7 : 0);
    p = field(p, (int64_t)(below(mix(h + 11), 33) * below(mix(h + 12), 33) / 24) % 40);
    p = put_uint(p, below(mix(h + 13), 4) ? 0 : below(mix(h + 14), 32));
    *p++ = '\t';
    p = field(p, below(mix(h + 15), 100) != 0);
    p = field(p, below(mix(h + 16), 140) != 0);
    p = field(p, mobile);
    p = field(p, mobile && b >> 62 ? PICK(mix(h + 17), phone_shares) : 0);
    p = field_str(p, mobile && b >> 62 > 1 ? phone_models[below(mix(h + 18), COUNT(phone_models))]
                                           : "");
    *p++ = '\t'; /* Params */
    p = field(p, (int64_t)(skewed(mix(ip + 1), 300000) * 13 + 11));
    close_segment(&v->screen, p);

    p = v->window.text;
    p = field(p, (int64_t)(500 + below(mix(h + 19), 40) * below(mix(h + 20), 36)));
    p = field(p, (int64_t)(250 + below(mix(h + 21), 30) * below(mix(h + 22), 30)));
    p = field(p, PICK(mix(h + 23), zone_shares));
    close_segment(&v->window, p);

    p = v->silver.text;
    bool silver = !mobile && below(mix(h + 24), 1000) < 465;
    p = field(p, silver ? 4 + 3 * (b >> 33 & 1) * (b >> 34 & 1) : 0);
    p = field(p, silver && b >> 35 & 3 ? 1 : 0);
    p = field(p, silver ? PICK(mix(h + 25), silver_shares) : 0);
    p = field(p, below(mix(h + 26), 5000) == 0 ? 6 : 0);
    p = field_str(p, below(mix(h + 27), 1000) < 760 ? "windows-1251" : b >> 36 & 31 ? "utf-8" : "");
    p = field(p, below(mix(h + 28), 1000) < 993 ? 1601 : 0);
    close_segment(&v->silver, p);

    p = v->unique.text;
    p = field(p, 0);
    p = field(p, below(mix(h + 29), 10) ? (int64_t)(mix(user + 99) >> 2 | 1ull << 62) : 0);
    close_segment(&v->unique, p);

    p = v->person.text;
    bool known = below(mix(h + 30), 1000) < 740;
    p = field(p, known ? PICK(mix(h + 31), age_shares) : 0);
    p = field(p, known ? PICK(mix(h + 32), sex_shares) : 0);
    p = field(p, known ? PICK(mix(h + 33), income_shares) : 0);
    p = field(p, known ? (int64_t)skewed(mix(h + 34), 16000) : 0);
    p = field(p, b >> 37 & 1 ? (int64_t)skewed(mix(h + 35), 250) : 0);
    p = field(p, (int32_t)mix(ip + 3));
    close_segment(&v->person, p);
}

static void tag_segment(visit *v, stream *s)
{
    char *p = v->tags.text;
    bool  social = chance(s, 6000), openstat = chance(s, 3000), utm = chance(s, 80000);

    p = field(p, social ? 1 : 0);
    if (social && chance(s, 800000)) {
        p = put_str(p, chance(s, 500000) ? "club" : "id");
        p = put_uint(p, skewed(next(s), 3000000));
    }
    *p++ = '\t';
    p = field(p, 0); /* ParamPrice */
    *p++ = '\t';     /* ParamOrderID */
    p = field_str(p, "RUB");
    p = field(p, 0);
    p = field_str(p, openstat ? "direct.example.ru" : "");
    if (openstat)
        p = put_uint(p, 4000000 + skewed(next(s), 2000000));
    *p++ = '\t';
    if (openstat)
        p = put_uint(p, 10000000 + skewed(next(s), 90000000));
    *p++ = '\t';
    p = field_str(p, openstat ? "example.ru:guarantee" : "");
    p = field_str(p, !utm                ? ""
                     : chance(s, 600000) ? "adnet"
                     : chance(s, 500000) ? "context"
                                         : "mailing");
    p = field_str(p, !utm ? "" : chance(s, 600000) ? "banner" : "cpc");
    p = field_str(p, utm ? campaigns[skewed(next(s), COUNT(campaigns))] : "");
    if (utm && chance(s, 60000))
        p = put_uint(p, skewed(next(s), 200000));
    *p++ = '\t';
    if (utm && chance(s, 440000))
        p = put_phrase(p, skewed(next(s), 5000));
    *p++ = '\t';
    *p++ = '\t'; /* FromTag */
    p = field(p, chance(s, 12000));
    close_segment(&v->tags, p);
}

static void begin_visit(visit *v, uint64_t seed, uint64_t user, int64_t user_id, stream *s)
{
    uint64_t h = mix2(seed, user);
    char    *p;

    user_segments(v, user, user_id, h);
    tag_segment(v, s);
    p = v->browser.text;
    bool named = chance(s, 177000);
    p = field(p, named ? (int64_t)below(next(s), 60000) : -1);
    p = field(p, -1);
    p = field(p, named ? (int64_t)skewed(next(s), 64) : -1);
    p = field_str(p, languages[h >> 40 & 15]);
    p = field_str(p, countries[h >> 44 & 15]);
    *p++ = '\t'; /* SocialNetwork */
    *p++ = '\t'; /* SocialAction */
    p = field(p, 0);
    p = field(p, 0);
    close_segment(&v->browser, p);

    v->local_shift = (int64_t)below(mix(h + 50), 13) * 3600 - 3 * 3600;
    v->client_shift = (int64_t)below(mix(h + 51), 7200) - 3600;
    v->old_clock = below(mix(h + 52), 1000) < 15;
    v->searches = chance(s, 170000);
    v->phrase = 0;
    v->source = PICK(next(s), source_shares);
    v->engine = v->searches ? PICK(next(s), engine_shares) : 0;
    v->adv = chance(s, 6300) ? PICK(next(s), adv_shares) : 0;
    v->page = v->previous_page = UINT64_MAX;
    v->referer_kind = below(next(s), 100);
    v->referer_seed = next(s);
}

/* ---- rows
 * ---------------------------------------------------------------------------------------------------
 */

static void flush(generator *g)
{
    for (const char *p = g->out; p < g->at && !g->error;) {
        ssize_t n = write(STDOUT_FILENO, p, (size_t)(g->at - p));
        if (n > 0)
            p += n;
        else if (n < 0 && errno != EINTR)
            g->error = errno;
    }
    g->at = g->out;
}

/* A popular page, or any of the site's many. */
static uint64_t draw_page(stream *s, uint64_t rows)
{
    uint64_t h = next(s);
    return (h & 1023) < 320 ? rows / 20 + below(mix(h), rows / 2 + 1)
                            : skewed(mix(h), rows / 20 + 1);
}

static uint64_t draw_phrase(stream *s, uint64_t rows)
{
    uint64_t h = next(s);
    return (h & 1023) < 730 ? 1000 + below(mix(h), rows / 2 + 1) : skewed(mix(h), rows / 40 + 50);
}

static char *put_referer(char *p, const visit *v, uint64_t site)
{
    if (v->previous_page != UINT64_MAX)
        return put_url(p, site, v->previous_page);
    if (v->referer_kind < 14)
        return p;
    uint64_t h = v->referer_seed;
    if (v->searches || v->referer_kind < 40) {
        static const char *const search[] = {
            "http://yandex.ru/yandsearch?text=", "http://www.google.ru/search?q=",
            "http://go.mail.ru/search?q=", "http://nova.rambler.ru/search?query="};
        p = put_str(p, search[skewed(h, 4)]);
        p = put_word(p, &escaped[h >> 8 & 255]);
        *p++ = '+';
        p = put_word(p, &escaped[h >> 16 & 255]);
        if (h >> 24 & 1) {
            p = put_str(p, "&lr=");
            p = put_uint(p, skewed(mix(h), 100000));
        }
        return p;
    }
    return put_url(p, skewed(h, 400) + 100, skewed(mix(h), 4000));
}

static uint64_t hash_text(const char *s, size_t n)
{
    uint64_t h = n, w;
    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    for (; n; s++, n--)
        h = (h ^ (unsigned char)*s) * 0x9e3779b97f4a7c15ull;
    return mix(h);
}

static inline char *put_segment(char *p, const segment *s)
{
    return put_bytes(p, s->text, s->bytes);
}

static char *put_timings(char *p, stream *s)
{
    bool timed = chance(s, 400000);
    p = field(p, timed && chance(s, 150000) ? (int64_t)skewed(next(s), 2000) : 0);
    p = field(p, timed && chance(s, 230000) ? (int64_t)skewed(next(s), 2000) : 0);
    p = field(p, timed ? (int64_t)(skewed(next(s), 4000) + below(next(s), 60)) : 0);
    p = field(p, timed ? (int64_t)skewed(next(s), 4000) : 0);
    return field(p, timed && chance(s, 600000) ? (int64_t)skewed(next(s), 10000) : 0);
}

static void put_row(generator *g, visit *v, uint64_t counter, uint64_t counter_rows, int day,
                    int64_t time, stream *s)
{
    char    *p = g->at, *text;
    uint64_t bits = next(s);
    bool     again = v->page != UINT64_MAX && below(bits, 100) < 55; /* the same page */
    bool     refresh = again && below(mix(bits + 8), 100) < 80;
    uint64_t url_hash, referer_hash;

    if (!again) {
        v->previous_page = v->page;
        v->page = draw_page(s, counter_rows);
    }
    p = field(p, (int64_t)(1ull << 62 | mix2(g->seed, g->row) >> 2));
    p = field(p, below(mix(bits), 1000) < 675);
    p = put_title(p, counter, v->page / 4);
    *p++ = '\t';
    p = field(p, 1);
    p = field_time(p, time);
    p = put_bytes(p, date_text[day + 3], 10);
    *p++ = '\t';
    p = field(p, (int64_t)counter);
    p = put_segment(p, &v->user);
    text = p;
    p = put_url(p, counter, v->page);
    url_hash = hash_text(text, (size_t)(p - text));
    *p++ = '\t';
    text = p;
    p = put_referer(p, v, counter);
    referer_hash = hash_text(text, (size_t)(p - text));
    bool referred = p > text;
    *p++ = '\t';
    p = field(p, refresh);
    p = field(p, referred ? (int64_t)(mix(v->referer_kind + counter) % 84 * 190) : 0);
    p = field(p, referred ? (int64_t)(mix(v->referer_kind * 3 + counter) % 40 * 27) : 0);
    p = field(p, (int64_t)(mix(counter) % 600 * 26));
    p = field(p, (int64_t)(mix(counter + 1) % 250 + 1));
    p = put_segment(p, &v->screen);
    p = field(p, v->source);
    p = field(p, v->engine);
    if (v->searches && below(next(s), 100) < 77) {
        if (!v->phrase || below(next(s), 100) < 60)
            v->phrase = 1 + draw_phrase(s, g->rows);
        p = put_phrase(p, v->phrase);
    }
    *p++ = '\t';
    p = field(p, v->adv);
    p = field(p, refresh);
    p = put_segment(p, &v->window);
    if (v->old_clock) {
        p = put_bytes(p, "1971-01-01", 10);
        text = field_time(p, (int64_t)below(next(s), 86400) + 86400);
        memmove(p, p + 10, 10);
        p = text - 10;
    } else {
        p = field_time(p, time + v->client_shift);
    }
    p = put_segment(p, &v->silver);
    p = field(p, below(mix(bits + 1), 1000) < 7);
    p = field(p, below(mix(bits + 2), 1000) < 3);
    p = put_segment(p, &v->unique);
    if (below(mix(bits + 3), 1000) < 37)
        p = put_url(p, counter + 7, skewed(mix(bits + 4), 200000));
    *p++ = '\t';
    p = field(p, below(mix(bits + 5), 1000) < 7 ? 0 : (int64_t)(mix(bits + 6) >> 34));
    p = put_bytes(p, "0\t0\t0\t", 6);
    p = field(p, below(mix(bits + 7), 1000) < 9);
    p = put_bytes(p, "0\t", 2);
    *p++ = below(mix(counter + 3), 1000) < 860 ? 'K'
           : below(mix(counter + 4), 100) < 97 ? 'R'
                                               : 'W';
    *p++ = '\t';
    p = field_time(p, time + v->local_shift);
    p = put_segment(p, &v->person);
    p = put_segment(p, &v->browser);
    p = put_timings(p, s);
    p = put_segment(p, &v->tags);
    p = field(p, (int64_t)referer_hash);
    p = field(p, (int64_t)url_hash);
    *p++ = '0';
    *p++ = '\n';
    g->at = p;
    g->row++;
    if ((size_t)(g->end - p) < ROW_BYTES_MAX)
        flush(g);
}

/* ---- who comes when
 * ----------------------------------------------------------------------------------------- */

typedef struct guest {
    int64_t  id;
    uint64_t user;
    uint32_t views;
} guest;

static int by_id(const void *a, const void *b)
{
    const guest *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->views > y->views) - (x->views < y->views);
}

static int64_t user_id(uint64_t seed, uint64_t user)
{
    uint64_t h = mix2(seed + 1, user);
    return (h & 7) == 0 ? (int64_t)(h >> 12) : (int64_t)h;
}

static uint32_t draw_views(stream *s)
{
    uint64_t h = next(s);
    return (h & 3) == 0 ? 1 : 1 + (uint32_t)skewed(mix(h), (h >> 8 & 63) == 0 ? 200 : 9);
}

/* Seconds from Moscow's midnight, more by day than by night. */
static int64_t draw_time(stream *s)
{
    uint64_t a = below(next(s), 86400), b = below(next(s), 86400);
    return (int64_t)(b & 3 ? (a + b) / 2 + 7200 : a) % 86400;
}

/* All rows of one counter on one day.  guests has room for `rows` of them. */
static void put_day(generator *g, guest *guests, uint64_t counter, uint64_t counter_rows, int day,
                    uint64_t rows, stream *s)
{
    uint64_t count = 0, total = 0;

    while (total < rows) {
        guest   *w = &guests[count++];
        uint64_t h = next(s);
        w->user = h & 15 ? below(mix(h), g->users) : skewed(mix(h), g->users);
        w->id = user_id(g->seed, w->user);
        w->views = draw_views(s);
        if (w->views > rows - total)
            w->views = (uint32_t)(rows - total);
        total += w->views;
    }
    qsort(guests, count, sizeof *guests, by_id);
    for (uint64_t i = 0; i < count && !g->error; i++) {
        visit   v;
        int64_t time = draw_time(s);
        begin_visit(&v, g->seed, guests[i].user, guests[i].id, s);
        for (uint32_t k = 0; k < guests[i].views; k++) {
            /* The date is Moscow's, four hours before UTC. */
            put_row(g, &v, counter, counter_rows, day, (int64_t)day * 86400 + time - 4 * 3600, s);
            int64_t step = 1 + (int64_t)skewed(next(s), 600), left = (86399 - time) / 4;
            time += step < left ? step : left; /* a visit ends with its day */
        }
    }
}

typedef struct counter {
    uint64_t id, rank, rows;
} counter;

/* Counter 62 has 0.74 % of all rows; the others share the rest by rank. */
static void share_rows(counter *c, uint64_t count, uint64_t rows)
{
    uint64_t sum = 0, given = 0, special = rows * 74 / 10000, rest;

    for (uint64_t i = 0; i < count; i++)
        sum += c[i].id == 62 ? 0 : ((uint64_t)1 << 40) / (c[i].rank + 1);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t w = ((uint64_t)1 << 40) / (c[i].rank + 1);
        c[i].rows =
            c[i].id == 62 ? special : (uint64_t)((unsigned __int128)(rows - special) * w / sum);
        given += c[i].rows;
    }
    rest = rows - given;
    for (uint64_t i = 0; rest > 0; i = (i + 1) % count) {
        if (c[i].id != 62) {
            c[i].rows++;
            rest--;
        }
    }
}

/* Ascending ids; which counters are big has nothing to do with their id. */
static void make_counters(counter *c, uint64_t count, uint64_t seed)
{
    static const uint64_t first[] = {17, 20, 38, 42, 62};
    uint64_t              id = 0;

    for (uint64_t i = 0; i < count; i++) {
        id = i < COUNT(first) ? first[i] : id + 1 + below(mix2(seed + 5, i), 60);
        c[i].id = id;
        c[i].rank = i;
    }
    for (uint64_t i = count; i > 1; i--) {
        uint64_t k = below(mix2(seed + 6, i), i), r = c[k].rank;
        c[k].rank = c[i - 1].rank;
        c[i - 1].rank = r;
    }
}

static void put_counter(generator *g, guest *guests, const counter *c)
{
    uint64_t weights[DAYS + 1] = {0};
    stream   s = {mix2(g->seed + 2, c->id)};

    for (int d = 0; d < DAYS; d++) { /* 6 and 7 July are a weekend */
        uint64_t w = (d % 7 == 5 || d % 7 == 6 ? 70 : 100) + below(next(&s), 30);
        weights[d + 1] = weights[d] + w;
    }
    uint64_t sum = weights[DAYS], offset = below(next(&s), sum), before = 0;
    for (int d = 0; d < DAYS && !g->error; d++) {
        uint64_t upto = d + 1 == DAYS ? c->rows : (c->rows * weights[d + 1] + offset) / sum;
        upto = upto < c->rows ? upto : c->rows;
        put_day(g, guests, c->id, c->rows, d, upto - before, &s);
        before = upto;
    }
}

static int generate(generator *g)
{
    uint64_t count = 20 + g->rows / 2000, most = 0;
    count = count < 6506 ? count : 6506;
    counter *c = calloc(count, sizeof *c);
    guest   *guests = NULL;

    if (c) {
        make_counters(c, count, g->seed);
        share_rows(c, count, g->rows);
        for (uint64_t i = 0; i < count; i++)
            most = c[i].rows > most ? c[i].rows : most;
        guests = calloc(most / 16 + 64,
                        sizeof *guests); /* a day has at most 1/20 of a month, or all of few */
    }
    g->out = malloc(OUT_BYTES);
    if (!c || !guests || !g->out) {
        fprintf(stderr, "quern gen: out of memory\n");
        g->error = ENOMEM;
    } else {
        g->at = g->out;
        g->end = g->out + OUT_BYTES;
        for (uint64_t i = 0; i < count && !g->error; i++)
            put_counter(g, guests, &c[i]);
        if (!g->error)
            flush(g);
        if (g->error && g->error != EPIPE)
            fprintf(stderr, "quern gen: could not write: %s\n", strerror(g->error));
    }
    free(g->out);
    free(guests);
    free(c);
    return g->error && g->error != EPIPE ? 3 : 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: quern gen hits --rows N [--seed S]\n");
    return 2;
}

static bool parse_count(const char *s, uint64_t *out)
{
    char *end;
    if (!s || *s < '0' || *s > '9')
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    *out = v;
    return errno == 0 && *end == 0 && v <= 1000000000000ull;
}

int gen_hits_main(int argc, char **argv)
{
    generator g = {.seed = 1};
    bool      have_rows = false;

    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc && parse_count(argv[i + 1], &g.rows))
            have_rows = true;
        else if (strcmp(argv[i], "--seed") != 0 || i + 1 >= argc ||
                 !parse_count(argv[i + 1], &g.seed))
            return usage();
    }
    if (!have_rows)
        return usage();
    g.users = g.rows * 5 / 16 + 1;
    g.seed = mix(g.seed);
    signal(SIGPIPE, SIG_IGN); /* a reader that has enough, such as head(1), is no error */
    make_words();
    return generate(&g);
}
