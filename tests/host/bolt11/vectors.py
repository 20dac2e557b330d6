"""The examples of BOLT 11, "Examples" and "Examples of Invalid Invoices" (CC BY 4.0).

All are signed with the private key `SECRET` and carry a payment secret of 32 bytes 11h.
"""

SECRET = bytes.fromhex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734")
PAYEE = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
PAYMENT_HASH = "0001020304050607080900010203040506070809000102030405060708090102"
PAYMENT_SECRET = "11" * 32
CREATED_AT = 1_496_314_658_000
LIST_OF_THINGS = "3925b6f67e2c340036ed12093dd44e0368df1b6ea26c53dbe4811f58fd5db8c1"

_SECRET_FIELD = "sp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs"
_HASH_FIELD = "pp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq"
_THINGS_FIELD = "hp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqs"
_ROUTE_FIELD = (
    "r9yq20q82gphp2nflc7jtzrcazrra7wwgzxqc8u7754cdlpfrmccae92qgzqvzq2ps8pqqqqqqpqqqqq9qqqvpeuqafqx"
    "u92d8lr6fvg0r5gv0heeeqgcrqlnm6jhphu9y00rrhy4grqszsvpcgpy9qqqqqqgqqqqq7qqzq"
)
_THINGS = f"lnbc20m1pvjluez{_SECRET_FIELD}{_THINGS_FIELD}{_HASH_FIELD}"

DONATION = (
    f"lnbc1pvjluez{_SECRET_FIELD}{_HASH_FIELD}dpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfw"
    "vs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52c"
    "m9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql"
)
COFFEE = (
    f"lnbc2500u1pvjluez{_SECRET_FIELD}{_HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yx"
    "dy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfn"
    "a3rh"
)
NONSENSE = (
    f"lnbc2500u1pvjluez{_SECRET_FIELD}{_HASH_FIELD}dpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpu9qrsgqh"
    "tjpauu9ur7fw2thcl4y9vfvh4m9wlfyz2gem29g5ghe2aak2pm3ps8fdhtceqsaagty2vph7utlgj48u0ged6a337aewv"
    "raedendscp573dxr"
)
HASHED = (
    f"lnbc20m1pvjluez{_SECRET_FIELD}{_HASH_FIELD}{_THINGS_FIELD}9qrsgq7ea976txfraylvgzuxs8kgcw23ez"
    "lrszfnh8r6qtfpr6cxga50aj6txm9rxrydzd06dfeawfk6swupvz4erwnyutnjq7x39ymw6j38gp7ynn44"
)
TESTNET = (
    f"lntb20m1pvjluez{_SECRET_FIELD}{_THINGS_FIELD}{_HASH_FIELD}fpp3x9et2e20v6pu37c5d9vax37wxq72un"
    "989qrsgqdj545axuxtnfemtpwkc45hx9d2ft7x04mt8q7y6t0k2dge9e7h8kpy9p34ytyslj3yu569aalz2xdk8xkd7lt"
    "xqld94u8h2esmsmacgpghe9k8"
)
ROUTED = (
    f"lnbc20m1pvjluez{_SECRET_FIELD}{_HASH_FIELD}{_THINGS_FIELD}fpp3qjmp7lwpagxun9pygexvgpjdc4jdj8"
    f"5f{_ROUTE_FIELD}9qrsgqdfjcdk6w3ak5pca9hwfwfh63zrrz06wwfya0ydlzpgzxkn5xagsqz7x9j4jwe7yj7vaf2k"
    "9lqsdk45kts2fd0fkr28am0u4w95tt2nsq76cqw0"
)
P2SH = (
    f"{_THINGS}fppj3a24vwu6r8ejrss3axul8rxldph2q7z99qrsgqz6qsgww34xlatfj6e3sngrwfy3ytkt29d2qttr8qz"
    "2mnedfqysuqypgqex4haa2h8fx3wnypranf3pdwyluftwe680jjcfp438u82xqphf75ym"
)
P2WPKH = (
    f"{_THINGS}fppqw508d6qejxtdg4y5r3zarvary0c5xw7k9qrsgqt29a0wturnys2hhxpner2e3plp6jyj8qx7548zr2z"
    "7ptgjjc7hljm98xhjym0dg52sdrvqamxdezkmqg4gdrvwwnf0kv2jdfnl4xatsqmrnsse"
)
P2WSH = (
    f"{_THINGS}fp4qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q9qrsgq9vlvyj8cqvq6ggvpwd53j"
    "ncp9nwc47xlrsnenq2zp70fq83qlgesn4u3uyf4tesfkkwwfg3qs54qe426hp3tz7z6sweqdjg05axsrjqp9yrrwc"
)
TWO_FALLBACKS = (
    f"{_THINGS}fppqw508d6qejxtdg4y5r3zarvary0c5xw7kfp4qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdccce"
    "fvpysxf3q9qrsgq3aycy5gecthdw9l7zs6yqdlxcw9fm48xvtswg2mcmeam40zf3j449j9g7a48wzdhe4sfn99fxf6286"
    "2rdqxs0aqweujcx5l93g2uutgp7x98v8"
)
PICO = (
    "lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68"
    "yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzg"
    "fskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjc"
    "mtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khx"
    f"{_SECRET_FIELD}xqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeu"
    "qqqyqqqqlgqqqqn3qq9q9qrsgqrvgkpnmps664wgkp43l22qsgdw4ve24aca4nymnxddlnp8vh9v2sdxlu5ywdxefsfv"
    "m0fq3sesf08uf6q9a2ke0hc9j6z6wlxg5z5kqpu2v9wz"
)
_BEANS = f"lnbc25m1pvjluez{_HASH_FIELD}dq5vdhkven9v5sxyetpdees{_SECRET_FIELD}"
FEATURES = (
    f"{_BEANS}9q5sqqqqqqqqqqqqqqqqsgq2a25dxl5hrntdtn6zvydt7d66hyzsyhqs4wdynavys42xgl6sgx9c4g7me86a"
    "27t07mdtfry458rtjr0v92cnmswpsjscgt2vcse3sgpz3uapa"
)
IGNORED_FIELDS = (
    f"{_BEANS}9q5sqqqqqqqqqqqqqqqqsgq2qrqqqfppn{'q' * 32}ppn{'q' * 51}pp4{'q' * 53}hpn{'q' * 51}"
    f"hp4{'q' * 53}spn{'q' * 51}sp4{'q' * 53}np5{'q' * 52}npk{'q' * 54}z599y53s3ujmcfjp5xrdap68qxy"
    "mkqphwsexhmhr8wdz5usdzkzrse33chw6dlp3jhuhge9ley7j2ayx36kawe7kmgg8sv5ugdyusdcqzn8z9x"
)
METADATA = (
    f"lnbc10m1pvjluez{_HASH_FIELD}dp9wpshjmt9de6zqmt9w3skgct5vysxjmnnd9jx2mq8q8a04uq"
    f"{_SECRET_FIELD}9q2gqqqqqqsgq7hf8he7ecf7n4ffphs6awl9t6676rrclv9ckg3d3ncn7fct63p6s365duk5wrk202"
    "cfy3aj5xnnp5gs3vrdvruverwwq7yzhkf5a3xqpd05wjc"
)

VALID = {
    "donation": DONATION,
    "coffee": COFFEE,
    "nonsense": NONSENSE,
    "hashed": HASHED,
    "testnet": TESTNET,
    "routed": ROUTED,
    "p2sh": P2SH,
    "p2wpkh": P2WPKH,
    "p2wsh": P2WSH,
    "two fallbacks": TWO_FALLBACKS,
    "pico": PICO,
    "features": FEATURES,
    "upper case": FEATURES.upper(),
    "ignored fields": IGNORED_FIELDS,
    "metadata": METADATA,
}

_NO_SECRET = (
    f"{_HASH_FIELD}dpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjee"
    "vuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrn"
)
_COFFEE_FIELDS = f"{_HASH_FIELD}dq5xysxxatsyp3k7enxv4jsxqzpu{_SECRET_FIELD}9qrsgq"
INVALID = {
    "unknown even feature 100": (
        f"{_BEANS}9q4psqqqqqqqqqqqqqqqqsgqtqyx5vggfcsll4wu246hz02kp85x4katwsk9639we5n5yngc3yhqkm35"
        "jnjw4len8vrnqnf5ejh0mzj9n3vz2px97evektfm2l6wqccp3y7372"
    ),
    "wrong checksum": f"lnbc2500u1pvjluez{_NO_SECRET}t",
    "no separator": f"pvjluez{_NO_SECRET}y",
    "mixed case": f"LNBC2500u1pvjluez{_NO_SECRET}y",
    "signature not recoverable": (
        f"lnbc2500u1pvjluez{_COFFEE_FIELDS}wgt7mcn5yqw3yx0w94pswkpq6j9uh6xfqqqtsk4tnarugeektd4hg59"
        "75x9am52rz4qskukxdmjemg92vvqz8nvmsye63r5ykel43pgz7zq0g2"
    ),
    "too short": (f"lnbc1pvjluez{_HASH_FIELD}dpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6na6hlh"),
    "unknown multiplier": (
        f"lnbc2500x1pvjluez{_COFFEE_FIELDS}rrzc4cvfue4zp3hggxp47ag7xnrlr8vgcmkjxk3j5jqethnumgkpqp2"
        "3z9jclu3v0a7e0aruz366e9wqdykw6dxhdzcjjhldxq0w6wgqcnu43j"
    ),
    "finer than a millisatoshi": (
        f"lnbc2500000001p1pvjluez{_COFFEE_FIELDS}0lzc236j96a95uv0m3umg28gclm5lqxtqqwk32uuk4k6673k6"
        "n5kfvx3d2h8s295fad45fdhmusm8sjudfhlf6dcsxmfvkeywmjdkxcp99202x"
    ),
    "no payment secret": (
        f"lnbc20m1pvjluez{_HASH_FIELD}{_THINGS_FIELD}9qrsgq7ea976txfraylvgzuxs8kgcw23ezlrszfnh8r6q"
        "tfpr6cxga50aj6txm9rxrydzd06dfeawfk6swupvz4erwnyutnjq7x39ymw6j38gp49qdkj"
    ),
    "fallback of a wrong length": (
        "lnbc1230p1qqp9458np4q0n326hr8v9zprg8gsvezcch06gfaqqhde2aj730yg0durunfhv66xqyp4p3cqzysfpp3"
        f"{'q' * 32}fzr{'q' * 67}hp5qvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpspp5z52329g4"
        "z52329g4z52329g4z52329g4z52329g4z52329g4z52ssp59g4z52329g4z52329g4z52329g4z52329g4z52329g"
        "4z52329g4q9qrsgqs3xz9pgcha32fs3q7a06xl0nvy7yctlultmgjp4d5d0xcvrc3ftjpx4ulh5u0dxdc6d84gjly9"
        "wgv5wtarlpe9mlq03p6f7tcczxnqcpqm3jq8"
    ),
}
