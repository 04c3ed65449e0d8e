/* BLAKE3: the digests below were computed by an independent implementation (the b3sum program) over the
 * official test input, byte i = i mod 251, at lengths around every block, chunk and tree boundary.  The
 * lanes must then agree with the plain function for every mixture of lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/blake3.h"
#include "base/env.h"

static const struct vector {
    size_t      bytes;
    const char *hex;
} vectors[] = {
    {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
    {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
    {2, "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63"},
    {3, "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"},
    {4, "f30f5ab28fe047904037f77b6da4fea1e27241c5d132638d8bedce9d40494f32"},
    {5, "b40b44dfd97e7a84a996a91af8b85188c66c126940ba7aad2e7ae6b385402aa2"},
    {6, "06c4e8ffb6872fad96f9aaca5eee1553eb62aed0ad7198cef42e87f6a616c844"},
    {7, "3f8770f387faad08faa9d8414e9f449ac68e6ff0417f673f602a646a891419fe"},
    {8, "2351207d04fc16ade43ccab08600939c7c1fa70a5c0aaca76063d04c3228eaeb"},
    {9, "a0fc27e5d7318b723207637bdeeba4f7dcb22f7f9ec3e8b6f3588ddcd4fdf861"},
    {31, "bda80c7fe2db38be6387b35c870bd7728d67b7b6cc5eb9b0e5c7dcb21ea754c2"},
    {32, "e528e95798037df410543d9f31e396ecdd458d71b157d6014398bae32fb56c65"},
    {33, "4f4e6c1dffd3a6c9959876d15aa96b5fb0da8632b995f6ca2e30503f2829fa29"},
    {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
    {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
    {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
    {127, "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d"},
    {128, "f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef"},
    {129, "683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12"},
    {191, "67950b54b585e93b7234229ed3a00bcba5f1fa8e6226f367e638f24916384d89"},
    {192, "4abc5d2328fb4acc549aff4b877df00ba52d469757749d6b8c33d45870b8fcff"},
    {193, "a8934f0168769c388914ee5c2de61aefbdd6251c9d7e658068e348f6b8bd0a29"},
    {255, "cb97b80a66306dd2d4f1ab7ff9fd17d3d62d88c974e8daf0ea9fbd0b1ae1b1c1"},
    {256, "f462b63aae56ed9fb899ad8eb93aa35d3dd62773fda9c33bfe20f9dab5d3df5f"},
    {257, "3d41df314e2c7af6919d994b391780a7d8abb9a57b1abf64e04ec5d49428788e"},
    {511, "7469b385b5290a1011288fc80a7fdb8677497dbc1d3b6daf93667725f68708f5"},
    {512, "87aa0321ee04decf72d6fe8d5799d6216db538c0da4a367d6d456643e9ea7994"},
    {513, "8e89cd63966193dfaecf124fe5893bf609aba748067b321afadc974d58374498"},
    {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
    {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
    {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
    {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
    {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
    {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"},
    {3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"},
    {4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"},
    {4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"},
    {5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"},
    {5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"},
    {6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205"},
    {6145, "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f"},
    {7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"},
    {7169, "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817"},
    {8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"},
    {8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"},
    {16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"},
    {31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
    {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
};

enum { INPUT = 102400 };

static uint8_t *input_new(void)
{
    uint8_t *input = malloc(INPUT);

    assert_non_null(input);
    for (size_t i = 0; i < INPUT; i++) {
        input[i] = (uint8_t)(i % 251);
    }
    return input;
}

static void digests_agree_with_the_reference(void **state)
{
    uint8_t *input = input_new();

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t    out[32];
        char       hex[65];
        qn_hash128 h = qn_blake3_128(input, vectors[i].bytes);
        uint64_t   word;

        qn_blake3(input, vectors[i].bytes, out);
        for (int b = 0; b < 32; b++) {
            snprintf(hex + b * 2, 3, "%02x", out[b]);
        }
        assert_string_equal(hex, vectors[i].hex);
        /* The 128-bit form is the first 16 bytes, read as two little-endian words. */
        word = 0;
        for (int b = 7; b >= 0; b--) {
            word = word << 8 | out[b];
        }
        assert_true(h.lo == word);
        word = 0;
        for (int b = 15; b >= 8; b--) {
            word = word << 8 | out[b];
        }
        assert_true(h.hi == word);
    }
    free(input);
}

/* Each string is a heap block of exactly its length, so that a sanitizer sees a lane that reads on. */
static void lanes_agree(qn_isa isa, qn_random *random, size_t count, uint32_t longest)
{
    const char **data = calloc(count + 1, sizeof *data);
    uint32_t    *bytes = calloc(count + 1, sizeof *bytes);
    qn_hash128  *out = calloc(count + 1, sizeof *out);

    assert_true(data && bytes && out);
    for (size_t i = 0; i < count; i++) {
        char *s;
        bytes[i] = (uint32_t)qn_random_below(random, longest + 1);
        s = malloc(bytes[i] ? bytes[i] : 1);
        assert_non_null(s);
        for (uint32_t b = 0; b < bytes[i]; b++) {
            s[b] = (char)qn_random_next(random);
        }
        data[i] = s;
    }
    if (qn_blake3_128_many_isa(isa, data, bytes, count, out)) {
        for (size_t i = 0; i < count; i++) {
            qn_hash128 h = qn_blake3_128(data[i], bytes[i]);
            assert_true(h.lo == out[i].lo && h.hi == out[i].hi);
        }
    }
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)data[i]);
    }
    free(data);
    free(bytes);
    free(out);
}

static void lanes_agree_with_the_plain_function(void **state)
{
    qn_random random;

    (void)state;
    qn_random_seed(&random, 20200109);
    for (int isa = QN_ISA_BASE; isa < QN_ISA_COUNT; isa++) {
        for (size_t count = 0; count <= 40; count++) {
            lanes_agree((qn_isa)isa, &random, count, 16);   /* one block */
            lanes_agree((qn_isa)isa, &random, count, 64);   /* up to a full block */
            lanes_agree((qn_isa)isa, &random, count, 300);  /* lanes end at different steps */
            lanes_agree((qn_isa)isa, &random, count, 1500); /* some leave the lanes altogether */
        }
    }
}

static void the_chosen_build_agrees(void **state)
{
    const char *data[3] = {
        "", "abc", "a string that is quite a bit longer than one block of sixty-four bytes"};
    uint32_t   bytes[3];
    qn_hash128 out[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        bytes[i] = (uint32_t)strlen(data[i]);
    }
    qn_blake3_128_many(data, bytes, 3, out);
    for (int i = 0; i < 3; i++) {
        qn_hash128 h = qn_blake3_128(data[i], bytes[i]);
        assert_true(h.lo == out[i].lo && h.hi == out[i].hi);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_agree_with_the_reference),
        cmocka_unit_test(lanes_agree_with_the_plain_function),
        cmocka_unit_test(the_chosen_build_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
