/* Exact sums: the rounded result is that of unlimited precision, in whatever order and grouping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>
#include "base/env.h"
#include "type/exact.h"

/* Expected results computed with rational arithmetic: sum(x), mean(x), population covariance of x and y,
 * sample variance of x. */
static const struct {
    int    count;
    double x[6], y[6];
    double expected[4];
} cases[] = {
    {5, {0x1.3333333333333p-2, 0x1.8000000000000p+0, -0x1.d000000000000p+2, 0x1.999999999999ap-3, -0x1.d000000000000p+2}, {0x1.999999999999ap-4, -0x1.a666666666666p+1, 0x1.4000000000000p+1, 0x1.4000000000000p+1, 0x1.999999999999ap-4}, {-0x1.9000000000000p+3, -0x1.4000000000000p+1, -0x1.da1cac083126ep+1, 0x1.31051eb851eb8p+4}},
    {2, {0x1.8000000000000p+0, 0x1.999999999999ap-4}, {0x1.4000000000000p+1, 0x1.4000000000000p+1}, {0x1.999999999999ap+0, 0x1.999999999999ap-1, 0x0.0p+0, 0x1.f5c28f5c28f5cp-1}},
    {2, {0x1.3333333333333p-2, 0x1.999999999999ap-4}, {0x1.4000000000000p+1, 0x1.999999999999ap-4}, {0x1.999999999999ap-2, 0x1.999999999999ap-3, 0x1.eb851eb851eb8p-4, 0x1.47ae147ae147ap-6}},
    {3, {0x1.999999999999ap-3, 0x1.999999999999ap-4, 0x1.3333333333333p-2}, {-0x1.a666666666666p+1, 0x1.4000000000000p+1, 0x1.999999999999ap-4}, {0x1.3333333333333p-1, 0x1.999999999999ap-3, -0x1.47ae147ae147bp-4, 0x1.47ae147ae147ap-7}},
    {3, {0x1.999999999999ap-3, -0x1.d000000000000p+2, 0x1.f400000000000p+9}, {0x1.999999999999ap-4, 0x1.999999999999ap-4, -0x1.a666666666666p+1}, {0x1.f07999999999ap+9, 0x1.4afbbbbbbbbbcp+8, -0x1.7b1c048d159e2p+9, 0x1.47d556740da74p+18}},
    {4, {0x1.3333333333333p-2, -0x1.d000000000000p+2, 0x1.999999999999ap-3, 0x1.f400000000000p+9}, {0x1.999999999999ap-4, 0x1.999999999999ap-4, 0x1.999999999999ap-4, 0x1.4000000000000p+1}, {0x1.f0a0000000000p+9, 0x1.f0a0000000000p+7, 0x1.c303333333333p+8, 0x1.ea8162369d037p+17}},
    {6, {0x1.f400000000000p+9, 0x1.f400000000000p+9, 0x1.999999999999ap-3, 0x1.3333333333333p-2, 0x1.3333333333333p-2, 0x1.999999999999ap-4}, {-0x1.a666666666666p+1, 0x1.4000000000000p+1, 0x1.999999999999ap-4, 0x1.4000000000000p+1, 0x1.999999999999ap-4, 0x1.4000000000000p+1}, {0x1.f43999999999ap+10, 0x1.4d7bbbbbbbbbcp+8, -0x1.79b6789abcdf0p+8, 0x1.044cabe1f6715p+18}},
    {6, {0x1.3333333333333p-2, 0x1.999999999999ap-3, 0x1.f400000000000p+9, 0x1.8000000000000p+0, 0x1.999999999999ap-3, 0x1.999999999999ap-3}, {0x1.4000000000000p+1, 0x1.999999999999ap-4, -0x1.a666666666666p+1, 0x1.4000000000000p+1, 0x1.999999999999ap-4, 0x1.999999999999ap-4}, {0x1.f533333333333p+9, 0x1.4e22222222222p+7, -0x1.2e76e5d4c3b2ap+9, 0x1.45357bbbbbbbcp+17}},
    {3, {-0x1.d000000000000p+2, 0x1.999999999999ap-4, 0x1.f400000000000p+9}, {-0x1.a666666666666p+1, 0x1.4000000000000p+1, -0x1.a666666666666p+1}, {0x1.f06cccccccccdp+9, 0x1.4af3333333333p+8, -0x1.3fd258bf258bfp+9, 0x1.47dd9bae147aep+18}},
    {4, {0x1.3333333333333p-2, -0x1.d000000000000p+2, 0x1.f400000000000p+9, -0x1.d000000000000p+2}, {-0x1.a666666666666p+1, -0x1.a666666666666p+1, 0x1.999999999999ap-4, 0x1.4000000000000p+1}, {0x1.ece6666666666p+9, 0x1.ece6666666666p+7, 0x1.10a70a3d70a3dp+8, 0x1.ecf077ae147aep+17}},
    {3, {0x1.999999999999ap-4, 0x1.3333333333333p-2, -0x1.d000000000000p+2}, {0x1.4000000000000p+1, 0x1.4000000000000p+1, -0x1.a666666666666p+1}, {-0x1.b666666666666p+2, -0x1.2444444444444p+1, 0x1.33456789abcdfp+3, 0x1.282c5f92c5f93p+4}},
    {2, {0x1.f400000000000p+9, 0x1.999999999999ap-3}, {0x1.4000000000000p+1, 0x1.999999999999ap-4}, {0x1.f41999999999ap+9, 0x1.f41999999999ap+8, 0x1.2bf0a3d70a3d7p+9, 0x1.e8160147ae148p+18}},
    {6, {-0x1.d000000000000p+2, 0x1.8000000000000p+0, 0x1.999999999999ap-4, -0x1.d000000000000p+2, 0x1.999999999999ap-4, -0x1.d000000000000p+2}, {0x1.4000000000000p+1, -0x1.a666666666666p+1, -0x1.a666666666666p+1, 0x1.999999999999ap-4, 0x1.4000000000000p+1, 0x1.999999999999ap-4}, {-0x1.40ccccccccccdp+4, -0x1.abbbbbbbbbbbcp+1, -0x1.385b05b05b05bp+2, 0x1.297671529a486p+4}},
    {3, {0x1.999999999999ap-3, 0x1.f400000000000p+9, 0x1.999999999999ap-4}, {0x1.999999999999ap-4, 0x1.999999999999ap-4, 0x1.999999999999ap-4}, {0x1.f426666666666p+9, 0x1.4d6eeeeeeeeefp+8, 0x0.0p+0, 0x1.456c55f92c5f9p+18}},
    {3, {-0x1.d000000000000p+2, -0x1.d000000000000p+2, 0x1.999999999999ap-3}, {-0x1.a666666666666p+1, 0x1.999999999999ap-4, -0x1.a666666666666p+1}, {-0x1.c99999999999ap+3, -0x1.3111111111111p+2, -0x1.683fb72ea61d9p+1, 0x1.280369d0369d0p+4}},
    {6, {-0x1.b3d81c62bf8ccp-503, -0x1.0000000000000p+0, 0x1.0000000000000p+53, -0x1.bec271c73f9f4p-267, 0x1.e42d130773b76p+1023, 0x1.e42d130773b76p+1023}, {0x1.8d35610c6b042p+718, -0x1.0000000000000p+53, -0x1.9aec33671c82cp+17, -0x1.8972e466e0d40p+400, 0x1.0000000000000p+53, 0x1.e240c9fbe76c9p+16}, {INFINITY, 0x1.42c8b75a4d24fp+1022, -INFINITY, INFINITY}},
    {4, {-0x1.9b0e554483ed1p+0, 0x1.999999999999ap-4, 0x1.2c24ef3087bbcp-308, 0x1.1c37937e08000p+53}, {0x1.0000000000000p-1022, -0x0.0000000000001p-1022, -0x1.e72a582b94f0dp-2, 0x1.999999999999ap-3}, {0x1.1c37937e07fffp+53, 0x1.1c37937e07fffp+51, 0x1.31beee0ad4528p+49, 0x1.3b8b5b5056e17p+104}},
    {4, {0x1.07d3b6d6b1473p-6, -0x1.0000000000000p+0, 0x1.999999999999ap-4, 0x1.e42d130773b76p+1023}, {0x1.7a8a0457b1418p-10, 0x1.56e1fc2f8f359p-997, 0x1.e240c9fbe76c9p+16, 0x1.c94f8b456dc64p+595}, {0x1.e42d130773b76p+1023, 0x1.e42d130773b76p+1021, INFINITY, INFINITY}},
    {6, {0x1.9c118cf0cb136p-28, 0x1.999999999999ap-3, -0x1.a118b83bc34eep+600, -0x1.0000000000000p+0, 0x1.0000000000000p+53, -0x1.9f7bc01a795d6p-305}, {-0x1.0000000000000p+0, -0x1.5b29fe3571fc0p-22, 0x1.56e1fc2f8f359p-997, 0x1.0000000000000p+0, 0x1.0000000000000p-1022, 0x1.239f67cba5414p+7}, {-0x1.a118b83bc34eep+600, -0x1.16107ad282349p+598, 0x1.a657d60f7d663p+602, INFINITY}},
    {2, {0x1.48d6fe0da5603p+28, 0x1.c000000000000p+1}, {0x0.0000000000001p-1022, 0x1.999999999999ap-3}, {0x1.48d6fe45a5603p+28, 0x1.48d6fe45a5603p+27, -0x1.071264aaeab36p+24, 0x1.a6679f00d4a6fp+55}},
    {3, {0x1.c000000000000p+1, -0x1.4bc7e9980b165p-60, 0x1.0000000000000p+0}, {-0x1.0000000000000p+0, 0x1.ef2c7ca152bc2p+11, -0x0.0000000000001p-1022}, {0x1.2000000000000p+2, 0x1.8000000000000p+0, -0x1.ef57274bfd66dp+10, 0x1.a000000000000p+1}},
    {5, {-0x0.0000000000001p-1022, -0x1.8bb27af70f47cp+58, 0x1.4f8b588e368f1p-17, 0x1.7e43c8800759cp+996, -0x1.b7e36078feb80p+1}, {0x1.32170993fe45bp-15, 0x1.4f6ac7d143addp+10, 0x1.0000000000000p-1022, -0x1.1c37937e08000p+53, -0x1.a29dfb6098310p+25}, {0x1.7e43c8800759cp+996, 0x1.31cfd3999f7b0p+994, -INFINITY, INFINITY}},
    {5, {-0x1.0000000000000p+0, -0x1.29dab03f47ffap+246, -0x1.1c37937e08000p+53, 0x1.00f1ebfc90c56p+34, 0x1.e240c9fbe76c9p+16}, {0x1.4f8b588e368f1p-17, -0x1.1c37937e08000p+53, -0x1.9cdfee7f3adc0p+643, -0x1.b8e5eac354e17p-16, -0x1.740574b8afc56p-45}, {-0x1.29dab03f47ffap+246, -0x1.dc9119fed9990p+243, -0x1.3370f4e3045e0p+885, 0x1.153db9692e8a4p+490}},
    {5, {0x1.4778c125435d8p+26, -0x1.e7bfc61291798p+32, 0x1.4f8b588e368f1p-17, 0x1.0000000000000p+0, 0x1.19596ea2c0e66p-284}, {-0x1.84bdf5f3af6fcp-44, -0x1.c1eefb2bb910ep-56, -0x1.157126a137ea4p+679, 0x1.999999999999ap-4, 0x1.e240c9fbe76c9p+16}, {-0x1.e2a1e30cfc6b6p+32, -0x1.821b1c0a63892p+30, -0x1.4ec197a7d645fp+707, 0x1.75b54a466016cp+63}},
    {4, {0x1.999999999999ap-3, 0x1.e42d130773b76p+1023, 0x1.efa0323d414e8p-17, -0x1.0000000000000p+0}, {-0x1.ad56ef77a7a9bp-52, 0x1.7e43c8800759cp+996, 0x1.56e1fc2f8f359p-997, -0x1.e42d130773b76p+1023}, {0x1.e42d130773b76p+1023, 0x1.e42d130773b76p+1021, INFINITY, INFINITY}},
    {5, {0x1.8f7d1767aa0c6p-43, 0x1.29ddef4638f74p+35, -0x1.b5ea8d53afedap+450, 0x1.c0175b14beeebp-51, 0x1.20e0f5a459963p+1}, {0x1.7e43c8800759cp+996, 0x1.999999999999ap-4, -0x1.1c37937e08000p+53, 0x1.56e1fc2f8f359p-997, 0x1.0000000000000p+0}, {-0x1.b5ea8d53afedap+450, -0x1.5e553ddc8cbe2p+448, INFINITY, 0x1.2ba43ef5c0a81p+899}},
    {5, {0x1.21b48470dbe60p-477, -0x1.0000000000000p+0, -0x1.4a2f13dac984ep-6, 0x1.c08128c3ddf62p+40, 0x1.7e43c8800759cp+996}, {0x1.ef7f893bd1917p+32, -0x1.e42d130773b76p+1023, -0x1.0000000000000p+0, 0x1.c000000000000p+1, -0x1.7a483f2415604p-14}, {0x1.7e43c8800759cp+996, 0x1.31cfd3999f7b0p+994, INFINITY, INFINITY}},
    {5, {-0x1.69a92b16f92d8p+34, 0x1.9fab13416c37cp-33, -0x1.228a7252efaf3p-59, 0x1.06601529f6ae8p+187, -0x1.568cb58a743f6p+58}, {0x1.5aee4a0d4a9b8p-475, 0x1.c000000000000p+1, -0x1.1c37937e08000p+53, 0x1.8787fa5d61678p-11, 0x1.58432808bff27p+2}, {0x1.06601529f6ae8p+187, 0x1.a3cceea98ab0dp+184, 0x1.74db9620910c9p+235, 0x1.ae414bcfa3703p+371}},
    {5, {-0x1.6a9168e78fe81p+56, -0x1.0000000000000p+0, -0x1.0000000000000p+53, 0x1.7e43c8800759cp+996, 0x0.0000000000001p-1022}, {-0x1.9ac0f5c7090b4p-8, 0x1.e42d130773b76p+1023, 0x1.1c37937e08000p+53, -0x1.0000000000000p+53, 0x1.a289fc63aaef8p+677}, {0x1.7e43c8800759cp+996, 0x1.31cfd3999f7b0p+994, -INFINITY, INFINITY}},
    {6, {0x1.999999999999ap-4, -0x1.36c88852f104ep-43, -0x1.d30b4c83fd73dp+818, 0x1.4f8b588e368f1p-17, 0x0.0000000000001p-1022, -0x1.79f0275bfc684p-36}, {0x1.3087cc208d113p-33, 0x1.9c25771614eaep+54, 0x1.40e6276316467p+902, 0x1.7e43c8800759cp+996, 0x1.0000000000000p+53, -0x1.ee323aee68ef4p-157}, {-0x1.d30b4c83fd73dp+818, -0x1.375cddad53a29p+816, INFINITY, INFINITY}},
    {5, {0x1.1c37937e08000p+53, -0x1.0000000000000p+53, -0x1.7e43c8800759cp+996, -0x1.50aad1fb2706cp-88, 0x1.7e43c8800759cp+996}, {0x1.7e43c8800759cp+996, 0x1.364f3af7fd305p-417, 0x1.286ce84269914p+53, -0x1.7e43c8800759cp+996, 0x1.0000000000000p+0}, {0x1.c37937e080000p+49, 0x1.692dc64d33333p+47, -INFINITY, INFINITY}},
    {6, {-0x1.24ccdb714dde6p-39, 0x1.1c37937e08000p+53, -0x0.0000000000001p-1022, -0x1.c780c4deb9fe3p+27, 0x1.37cf465087de0p-42, -0x1.9015fbf4e2870p-5}, {0x1.e240c9fbe76c9p+16, 0x1.42aa5ef254000p+43, 0x1.0000000000000p+53, -0x1.1cdf3e13909c7p-2, -0x1.7057af898420ap-487, 0x1.c000000000000p+1}, {0x1.1c37930c27cecp+53, 0x1.7af4c4103513bp+50, -0x1.f62a494c10791p+100, 0x1.a4b9cf5936bd9p+103}},
    {5, {-0x1.4ed0c29c7ff90p-1011, 0x1.7e43c8800759cp+996, 0x1.999999999999ap-3, -0x1.b64e3e7f76c56p+47, -0x1.cd95c0676da35p-438}, {0x1.c000000000000p+1, 0x1.0000000000000p-1022, -0x1.0000000000000p+53, -0x1.0699fc9825ec8p-37, -0x1.514db727a4bb4p+58}, {0x1.7e43c8800759cp+996, 0x1.31cfd3999f7b0p+994, INFINITY, INFINITY}},
    {4, {0x1.c994c0e9d75e4p-14, 0x1.1c37937e08000p+53, -0x1.5afae36858598p-327, 0x1.c000000000000p+1}, {0x1.4f8b588e368f1p-17, -0x1.9b5ebe7402af0p-60, 0x1.999999999999ap-3, -0x1.5ddad675d6baap+43}, {0x1.1c37937e08002p+53, 0x1.1c37937e08002p+51, 0x1.846ab97fb34abp+92, 0x1.3b8b5b5056e15p+104}},
    {5, {0x1.e42d130773b76p+1023, -0x1.a468432c3e99bp+519, 0x1.3efd5cc0fcbb2p+32, 0x1.f6c24af27af7ep+40, 0x1.e240c9fbe76c9p+16}, {-0x1.0000000000000p+0, 0x1.0000000000000p+0, -0x1.1d49ba982acd2p-222, 0x1.a67f1f469208ap+17, 0x1.88745a627c52dp+161}, {0x1.e42d130773b76p+1023, 0x1.8357426c5c92bp+1021, -INFINITY, INFINITY}},
    {6, {0x1.e240c9fbe76c9p+16, -0x1.f93b007bbe975p+5, -0x1.e42d130773b76p+1023, -0x1.411542ea344fcp-36, -0x1.f4f0827a56a8cp+647, 0x1.77d679dbadc20p+415}, {0x1.999999999999ap-3, -0x1.e8b718e7704d0p+9, -0x1.1ee5fbba90db3p-28, -0x1.0000000000000p+0, -0x0.000001de33e73p-1022, -0x1.0000000000000p+0}, {-0x1.e42d130773b76p+1023, -0x1.42c8b75a4d24fp+1021, -INFINITY, INFINITY}},
    {3, {0x1.a958aeca9db4ep-301, -0x1.d14175041942cp-11, 0x1.1c37937e08000p+53}, {0x1.3afe23a5e1a85p+20, 0x0.0000000000001p-1022, 0x1.c000000000000p+1}, {0x1.1c37937e08000p+53, 0x1.7af4c4a80aaabp+51, -0x1.36da84b21c4efp+70, 0x1.a4b9cf15c92c9p+104}},
    {5, {0x1.e240c9fbe76c9p+16, 0x1.63b6b85613f84p+3, -0x1.1c37937e08000p+53, 0x1.b60d1a911b490p+35, 0x1.1c37937e08000p+53}, {0x1.333f6e068faecp-1, 0x1.80e0e4d20531bp+1, 0x1.7e43c8800759cp+996, -0x1.0000000000000p+53, -0x0.0000000000001p-1022}, {0x1.b60d56da983f3p+35, 0x1.5e71124879cc3p+33, -INFINITY, 0x1.3b8b5b50699eap+105}},
    {6, {0x1.e240c9fbe76c9p+16, 0x1.ae704bf3bf93ap-59, -0x1.2f26a05cdfe64p+16, -0x1.0000000000000p+53, 0x1.c3e3c625fae0cp+51, 0x1.999999999999ap-3}, {-0x1.e42d130773b76p+1023, 0x1.f1f206835366bp-1, -0x1.1707b1539a665p+559, -0x0.0000000000001p-1022, 0x1.0000000000000p+53, -0x1.0000000000000p+53}, {-0x1.1e0e1cecf75e0p+52, -0x1.7d68269149d2ap+49, -INFINITY, 0x1.d40edd6370687p+103}},
    {6, {-0x1.e42d130773b76p+1023, 0x1.22340c47d9f80p-768, 0x1.1c37937e08000p+53, 0x1.e240c9fbe76c9p+16, 0x1.2e4b4bcd9e800p-40, -0x1.4c8f031604844p-806}, {0x1.a1822d61f3056p-11, -0x1.1c37937e08000p+53, 0x1.999999999999ap-4, 0x1.3b3c9c2984566p+1, 0x1.4f8b588e368f1p-17, -0x1.e42d130773b76p+1023}, {-0x1.e42d130773b76p+1023, -0x1.42c8b75a4d24fp+1021, -INFINITY, INFINITY}},
    {4, {0x0.0000000000001p-1022, -0x1.0000000000000p+0, 0x0.0000000000001p-1022, 0x1.e240c9fbe76c9p+16}, {-0x1.1c37937e08000p+53, 0x1.999999999999ap-4, 0x1.73992a74550d5p+220, 0x1.0000000000000p-1022}, {0x1.e23fc9fbe76c9p+16, 0x1.e23fc9fbe76c9p+14, -0x1.5e017ce8b2196p+233, 0x1.c63ca53fdbb70p+31}},
    {5, {-0x1.56f907d914eacp+761, -0x1.c93090dc8d830p-24, -0x1.1c37937e08000p+53, -0x1.1c37937e08000p+53, 0x1.94bb1b517db98p-14}, {-0x1.7e43c8800759cp+996, 0x1.56e1fc2f8f359p-997, 0x1.ca7caa7b4fdabp-38, 0x1.0f7342a3d2770p-695, -0x1.c2e96875659e0p+5}, {-0x1.56f907d914eacp+761, -0x1.1260d31410bbdp+759, INFINITY, INFINITY}},
    {2, {-0x1.c94c9330bd580p+7, 0x1.0000000000000p+0}, {-0x1.50ec3d48ffd54p+33, 0x1.1c37937e08000p+53}, {-0x1.c74c9330bd580p+7, -0x1.c74c9330bd580p+6, 0x1.fdeccf248db1ep+58, 0x1.9c05d75c40458p+14}},
    {4, {-0x1.7daa43ca55658p-446, 0x0.0000000000001p-1022, 0x1.5c7bfb790e900p+978, 0x1.999999999999ap-3}, {0x1.48806b5441f6ap-1, 0x1.02e1daf4eeb04p-349, -0x1.cb34c73756230p-9, 0x1.4f8b588e368f1p-17}, {0x1.5c7bfb790e900p+978, 0x1.5c7bfb790e900p+976, -0x1.c682c17c0c388p+973, INFINITY}},
    {6, {-0x1.09e9743e9b690p-156, 0x1.56e1fc2f8f359p-997, -0x1.9ebc3098c9bc0p+28, 0x1.4f8b588e368f1p-17, 0x1.e42d130773b76p+1023, -0x1.37944d9fc02d0p+42}, {0x1.723f33d0d4197p+48, -0x1.d42071d08a6f0p-335, -0x1.3f1700c95bda9p-55, -0x1.642bd5541e649p+43, 0x1.87d4d1e5ad2ccp+980, 0x1.e240c9fbe76c9p+16}, {0x1.e42d130773b76p+1023, 0x1.42c8b75a4d24fp+1021, INFINITY, INFINITY}},
    {3, {-0x1.474ab17f32eccp+25, 0x1.f4e03d4360270p+616, -0x1.6853d67e1d439p-56}, {0x1.1c37937e08000p+53, 0x1.4f8b588e368f1p-17, -0x1.b6794f664f300p-17}, {0x1.f4e03d4360270p+616, 0x1.4dead382401a0p+615, -0x1.ee4c00a2e4bfdp+666, INFINITY}},
    {6, {0x1.c000000000000p+1, 0x1.b2a021f7c0a16p-53, 0x1.56e1fc2f8f359p-997, 0x1.0000000000000p+0, -0x1.1c37937e08000p+53, -0x1.dd6a7c4e8b0ecp-15}, {-0x1.45031ca442a50p-14, -0x1.7990a2d5f705bp+11, -0x1.d9b2a5ee1323cp+547, -0x1.e42d130773b76p+1023, -0x1.b91f936b204dcp-19, 0x1.e240c9fbe76c9p+16}, {-0x1.1c37937e07ffep+53, -0x1.7af4c4a80aaa8p+50, -INFINITY, 0x1.a4b9cf15c92cap+103}},
    {3, {0x1.b733819808fdcp-4, 0x1.c9d7383ebf5fcp-319, -0x1.e42d130773b76p+1023}, {0x1.2a1eb41825b18p+24, 0x1.0000000000000p+0, -0x1.7bb534d0ca1e8p+548}, {-0x1.e42d130773b76p+1023, -0x1.42c8b75a4d24fp+1022, INFINITY, INFINITY}},
    {6, {-0x1.e42d130773b76p+1023, -0x1.0000000000000p+0, -0x1.0000000000000p+0, -0x1.1c37937e08000p+53, -0x1.4e3087fbe0ac0p+253, 0x1.7e43c8800759cp+996}, {0x1.c000000000000p+1, -0x1.357de0b26db08p+15, 0x1.999999999999ap-4, 0x1.e240c9fbe76c9p+16, -0x1.ab0e9a4ff1954p-11, -0x1.08af112d390acp+9}, {-0x1.e42d12d7ab3e5p+1023, -0x1.42c8b73a72299p+1021, INFINITY, INFINITY}},
    {4, {0x1.5514cf9820a93p-43, 0x1.0000000000000p-1022, 0x1.9f0981117ef40p-13, 0x1.cef0361a468f8p-26}, {-0x1.1f57bc0a6ab10p+45, 0x1.4f8b588e368f1p-17, 0x1.52228a6ae951ep-53, -0x1.e42d130773b76p+1023}, {0x1.9f17f89884197p-13, 0x1.9f17f89884197p-15, 0x1.88527b0e65ddfp+1007, 0x1.506817620bbcep-27}},
    {6, {-0x1.e90881b1952bfp+471, 0x1.0000000000000p+0, 0x1.c000000000000p+1, 0x1.4f8b588e368f1p-17, 0x1.c000000000000p+1, 0x1.0000000000000p-1022}, {0x1.c5e4172899a68p+55, 0x1.895dd98aab823p-17, -0x1.0a77a205f47ddp+339, 0x1.e42d130773b76p+1023, 0x1.671a6ff69677cp+9, -0x1.ce189c190c3b1p-46}, {-0x1.e90881b1952bfp+471, -0x1.4605abcbb8c7fp+469, INFINITY, 0x1.3765d54042e53p+941}},
    {4, {-0x1.0000000000000p+53, 0x1.c000000000000p+1, 0x1.e0319bdc0e888p-21, -0x0.0000000000001p-1022}, {-0x1.0000000000000p+0, 0x1.21a58e930726fp-28, 0x1.e42d130773b76p+1023, 0x1.3b032d15da23bp+424}, {-0x1.ffffffffffffcp+52, -0x1.ffffffffffffcp+50, INFINITY, 0x1.0000000000001p+104}},
    {2, {-0x1.8afe7ec4d58acp+19, 0x1.e240c9fbe76c9p+16}, {0x1.049ed28d66950p-56, 0x1.7e43c8800759cp+996}, {-0x1.4eb66585589d3p+19, -0x1.4eb66585589d3p+18, 0x1.53e9f17189a98p+1014, 0x1.94d601eb6ce4fp+38}},
    {5, {-0x1.0000000000000p+53, 0x1.1c37937e08000p+53, 0x1.3c0394bf5d49ep+414, -0x1.32e7da9afc6b8p-39, 0x1.0000000000000p+0}, {-0x1.0a8b4bc00f3a2p+552, 0x1.e240c9fbe76c9p+16, -0x1.3fafa074b3b5bp+10, 0x1.0000000000000p+53, 0x1.999999999999ap-3}, {0x1.3c0394bf5d49ep+414, 0x1.f99f5465620fdp+411, 0x1.a5288a40f1ca4p+961, 0x1.3813df6a9a938p+826}},
    {2, {-0x1.6409a9d95bdbep+26, -0x1.1c37937e08000p+53}, {0x1.e42d130773b76p+1023, 0x1.9c27cea4158dbp-24}, {-0x1.1c3793aa89354p+53, -0x1.1c3793aa89354p+52, INFINITY, 0x1.3b8b5aed84e09p+105}},
    {4, {0x1.7f7881eac0e87p+7, -0x1.72ea20a99926ep+28, 0x1.e240c9fbe76c9p+16, -0x1.fa74464465332p-643}, {0x1.0000000000000p-1022, 0x1.4f8b588e368f1p-17, 0x1.4abc14a678a30p+14, 0x1.7e43c8800759cp+996}, {-0x1.72cbf0a135591p+28, -0x1.72cbf0a135591p+26, 0x1.14d73f6ca633ep+1021, 0x1.0cc36462b6556p+55}},
    {2, {0x1.03d0772f536b9p+40, 0x1.6e90eba8a031bp-30}, {0x1.77f8ad5576828p+46, -0x1.228b42fef00bfp+661}, {0x1.03d0772f536b9p+40, 0x1.03d0772f536b9p+39, 0x1.26df7d32ce622p+699, 0x1.07af7aeba7304p+79}},
    {3, {0x1.9a3bed8a4acabp-549, 0x1.0000000000000p+0, 0x1.1c37937e08000p+53}, {0x1.7e43c8800759cp+996, -0x1.127453d802e1ep-28, 0x1.8bf152f778ebcp+24}, {0x1.1c37937e08001p+53, 0x1.7af4c4a80aaabp+51, -INFINITY, 0x1.a4b9cf15c92c8p+104}},
    {3, {0x1.999999999999ap-3, -0x1.e42d130773b76p+1023, 0x1.e240c9fbe76c9p+16}, {-0x0.0000000000001p-1022, -0x1.aa60e8a2b95c2p+48, 0x1.13fcc69e4f8c8p-8}, {-0x1.e42d130773b76p+1023, -0x1.42c8b75a4d24fp+1022, INFINITY, INFINITY}},
    {4, {0x1.c000000000000p+1, 0x1.59940e2c6b472p-174, -0x1.c4dc099669222p+44, 0x1.0000000000000p+0}, {-0x1.0000000000000p+53, -0x1.0000000000000p+0, 0x1.0000000000000p-1022, -0x1.185825500992ep-11}, {-0x1.c4dc099668da2p+44, -0x1.c4dc099668da2p+42, -0x1.c4dc099669ba3p+93, 0x1.908cdf7dcf3b0p+87}},
};

static void assert_same(double got, double want)
{
    if (isnan(want)) {
        assert_true(isnan(got));
        return;
    }
    if (memcmp(&got, &want, sizeof got) != 0 && !(got == 0 && want == 0))
        fail_msg("got %a, want %a", got, want);
}

static void test_rational_reference(void **state)
{
    qn_mem mem;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_exact x = {0}, y = {0}, xy = {0}, xx = {0};
        int      n = cases[i].count;
        bool     overflow;
        for (int k = 0; k < n; k++) {
            assert_true(qn_exact_add(&x, &mem, cases[i].x[k]));
            assert_true(qn_exact_add(&y, &mem, cases[i].y[k]));
            assert_true(qn_exact_add_product(&xy, &mem, cases[i].x[k], cases[i].y[k]));
            assert_true(qn_exact_add_product(&xx, &mem, cases[i].x[k], cases[i].x[k]));
        }
        assert_same(qn_exact_round(&x, &overflow), cases[i].expected[0]);
        assert_int_equal(overflow, isinf(cases[i].expected[0]) != 0);
        assert_same(qn_exact_mean(&x, (uint64_t)n, &overflow), cases[i].expected[1]);
        assert_same(qn_exact_moment(&xy, &x, &y, (uint64_t)n, (qn_u128)(n * n), &overflow), cases[i].expected[2]);
        assert_same(qn_exact_moment(&xx, &x, &x, (uint64_t)n, (qn_u128)(n * (n - 1)), &overflow), cases[i].expected[3]);
        qn_exact_deinit(&x, &mem);
        qn_exact_deinit(&y, &mem);
        qn_exact_deinit(&xy, &mem);
        qn_exact_deinit(&xx, &mem);
    }
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

/* A value over the whole range of doubles, subnormals included. */
static double wild(qn_random *r, int spread)
{
    double m = qn_random_unit(r) * 2 - 1;
    return ldexp(m, (int)qn_random_below(r, (uint64_t)spread) - spread / 2);
}

/* Shuffled, split in parts and merged, added one by one or by count: always the same bits. */
static void test_order_and_grouping(void **state)
{
    static const int spreads[] = {4, 60, 200, 2000};
    qn_mem    mem;
    qn_random r;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_random_seed(&r, 20240501);
    for (int round = 0; round < 400; round++) {
        double   v[64];
        uint64_t times[64];
        int      n = 1 + (int)qn_random_below(&r, 64);
        bool     overflow;
        qn_exact one = {0}, parts[3] = {{0}, {0}, {0}}, counted = {0}, squares = {0}, squares_by_count = {0};
        for (int i = 0; i < n; i++) {
            v[i] = wild(&r, spreads[round % 4]);
            times[i] = 1 + qn_random_below(&r, 5);
            for (uint64_t k = 0; k < times[i]; k++) {
                assert_true(qn_exact_add(&one, &mem, v[i]));
                assert_true(qn_exact_add_product(&squares, &mem, v[i], v[i]));
            }
        }
        for (int i = n - 1; i > 0; i--) {
            int      j = (int)qn_random_below(&r, (uint64_t)i + 1);
            double   t = v[i];
            uint64_t c = times[i];
            v[i] = v[j], v[j] = t;
            times[i] = times[j], times[j] = c;
        }
        for (int i = 0; i < n; i++) {
            assert_true(qn_exact_add_times(&counted, &mem, v[i], times[i]));
            assert_true(qn_exact_add_product_times(&squares_by_count, &mem, v[i], v[i], times[i]));
            assert_true(qn_exact_add_times(&parts[qn_random_below(&r, 3)], &mem, v[i], times[i]));
        }
        assert_true(qn_exact_merge(&parts[2], &mem, &parts[0]));
        assert_true(qn_exact_merge(&parts[2], &mem, &parts[1]));
        double want = qn_exact_round(&one, &overflow);
        assert_same(qn_exact_round(&counted, &overflow), want);
        assert_same(qn_exact_round(&parts[2], &overflow), want);
        assert_same(qn_exact_round(&squares_by_count, &overflow), qn_exact_round(&squares, &overflow));
        /* Taking everything back leaves nothing. */
        for (int i = 0; i < n; i++)
            assert_true(qn_exact_add_times(&one, &mem, -v[i], times[i]));
        assert_same(qn_exact_round(&one, &overflow), 0);
        qn_exact_deinit(&one, &mem);
        qn_exact_deinit(&counted, &mem);
        qn_exact_deinit(&squares, &mem);
        qn_exact_deinit(&squares_by_count, &mem);
        for (int i = 0; i < 3; i++)
            qn_exact_deinit(&parts[i], &mem);
    }
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

/* Against 113-bit arithmetic where that is exact: exponents within 2^40. */
static void test_float128_reference(void **state)
{
    qn_mem    mem;
    qn_random r;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_random_seed(&r, 7);
    for (int round = 0; round < 1000; round++) {
        qn_exact   e = {0};
        __float128 reference = 0;
        bool       overflow;
        for (int i = 0; i < 50; i++) {
            double v = wild(&r, 40);
            reference += v;
            assert_true(qn_exact_add(&e, &mem, v));
        }
        assert_same(qn_exact_round(&e, &overflow), (double)reference);
        assert_true(qn_exact_round_f32(&e, &overflow) == (float)reference);
        assert_null(e.wide); /* the 32 bytes suffice for data of ordinary range */
        qn_exact_deinit(&e, &mem);
    }
    qn_mem_deinit(&mem);
}

/* NaN wins, infinities cancel to NaN, -0 survives alone, finite overflow is reported. */
static void test_special_values(void **state)
{
    qn_mem   mem;
    bool     overflow;
    qn_exact e = {0};
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    assert_false(signbit(qn_exact_round(&e, &overflow)));
    assert_true(qn_exact_add(&e, &mem, -0.0));
    assert_true(signbit(qn_exact_round(&e, &overflow)));
    assert_true(qn_exact_add(&e, &mem, 0.0));
    assert_false(signbit(qn_exact_round(&e, &overflow)));
    assert_true(qn_exact_add(&e, &mem, 1.7e308));
    assert_true(qn_exact_add(&e, &mem, 1.7e308));
    assert_true(isinf(qn_exact_round(&e, &overflow)) && overflow);
    /* The mean of a sum that overflows is still there. */
    assert_same(qn_exact_mean(&e, 2, &overflow), 1.7e308);
    assert_false(overflow);
    assert_true(qn_exact_add(&e, &mem, INFINITY));
    assert_true(qn_exact_round(&e, &overflow) == INFINITY && !overflow);
    assert_true(qn_exact_add(&e, &mem, -INFINITY));
    assert_true(isnan(qn_exact_round(&e, &overflow)));
    qn_exact_deinit(&e, &mem);
    assert_true(qn_exact_add(&e, &mem, NAN));
    assert_true(isnan(qn_exact_round(&e, &overflow)));
    qn_exact_deinit(&e, &mem);
    qn_mem_deinit(&mem);
}

/* The wide form is the only allocation: refused, the sum stays what it was. */
static void test_memory(void **state)
{
    qn_mem   mem;
    bool     overflow;
    qn_exact e = {0};
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    assert_true(qn_exact_add(&e, &mem, 1.5));
    atomic_store(&mem.fail_at, 1);
    assert_false(qn_exact_add(&e, &mem, 1e300));
    assert_same(qn_exact_round(&e, &overflow), 1.5);
    assert_true(qn_exact_add(&e, &mem, 1e300));
    assert_non_null(e.wide);
    assert_true(qn_exact_add(&e, &mem, -1e300));
    assert_same(qn_exact_round(&e, &overflow), 1.5);
    qn_exact_deinit(&e, &mem);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rational_reference), cmocka_unit_test(test_order_and_grouping),
        cmocka_unit_test(test_float128_reference), cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
