// What Event Ruler does with the values of one field. The sources are the README of aws/event-ruler
// and the pages of EventBridge's user guide that are named with each group.

extension EventPatternGroup {
    static let ofValues: [EventPatternGroup] = [
        text, constants, numbers, prefixes, suffixes, ignoredCase, wildcards, comparisons, presence,
        blocks, addresses,
    ]

    // README, "Simple matching"; user guide, "Matching null values and empty strings". Text is
    // compared by bytes. Only leaves are values.
    private static let text = values(
        "text",
        #"""
        "a" ~ "a" ~ yes
        "a" ~ "A" ~ no
        "a" ~ "ab" ~ no
        "ab" ~ "a" ~ no
        "a","b" ~ "b" ~ yes
        "a","b" ~ "c" ~ no
        "a","a" ~ "a" ~ yes
        "a" ~ - ~ no
        "a" ~ null ~ no
        "a" ~ {} ~ no
        "a" ~ {"a":"a"} ~ no
        "a" ~ ["a"] ~ yes
        "a" ~ ["b","a"] ~ yes
        "a" ~ ["b"] ~ no
        "a" ~ [] ~ no
        "a" ~ [["b"],["a"]] ~ yes
        "a" ~ [{"a":"a"}] ~ no
        "" ~ "" ~ yes
        "" ~ "a" ~ no
        "" ~ null ~ no
        "" ~ - ~ no
        "" ~ [""] ~ yes
        "" ~ [] ~ no
        "\u00e9" ~ "é" ~ yes
        "\u00e9" ~ "e\u0301" ~ no
        "\"" ~ "\"" ~ yes
        " a" ~ "a" ~ no
        "1" ~ 1 ~ no
        "true" ~ true ~ no
        "null" ~ null ~ no
        {"exactly":"a"} ~ "a" ~ yes
        {"exactly":"a"} ~ "b" ~ no
        {"exactly":""} ~ "" ~ yes
        """#)

    // README, "JSON text matching"; user guide, "Matching null values and empty strings".
    private static let constants = values(
        "constants",
        #"""
        null ~ null ~ yes
        null ~ "" ~ no
        null ~ "null" ~ no
        null ~ - ~ no
        null ~ [] ~ no
        null ~ {} ~ no
        null ~ 0 ~ no
        null ~ false ~ no
        null ~ [null] ~ yes
        null ~ ["a",null] ~ yes
        null,"a" ~ null ~ yes
        null,"a" ~ "a" ~ yes
        null,"a" ~ "b" ~ no
        true ~ true ~ yes
        true ~ false ~ no
        true ~ "true" ~ no
        true ~ 1 ~ no
        true ~ [false,true] ~ yes
        false ~ false ~ yes
        false ~ null ~ no
        false ~ - ~ no
        """#)

    // README, "Numeric matching", and ComparableNumber: a number of a pattern is compared by value.
    private static let numbers = values(
        "numbers",
        #"""
        1 ~ 1 ~ yes
        1 ~ 1.0 ~ yes
        1.0 ~ 1 ~ yes
        500 ~ 5e2 ~ yes
        5e2 ~ 500 ~ yes
        5E+2 ~ 500.000 ~ yes
        0.5 ~ 5e-1 ~ yes
        0.1 ~ 0.10 ~ yes
        -1 ~ -1 ~ yes
        1 ~ -1 ~ no
        0 ~ -0 ~ yes
        1 ~ "1" ~ no
        1 ~ true ~ no
        1 ~ null ~ no
        1 ~ - ~ no
        1 ~ 1.000001 ~ no
        1,2 ~ 2 ~ yes
        1,2 ~ 3 ~ no
        1 ~ [2,1] ~ yes
        1 ~ [] ~ no
        123456789012 ~ 123456789012 ~ yes
        123456789012 ~ 123456789013 ~ no
        999999999999 ~ 999999999999 ~ yes
        999999999999 ~ 999999999998 ~ no
        0.1234567 ~ 0.1234567 ~ yes
        0.1234567 ~ 0.1234568 ~ no
        """#)

    // README, "Prefix matching": it works on text only. An empty prefix is one of all text
    // (localstack/localstack, issue 12148). User guide, "Prefix matching while ignoring case".
    private static let prefixes = values(
        "prefixes",
        #"""
        {"prefix":"a"} ~ "abc" ~ yes
        {"prefix":"a"} ~ "a" ~ yes
        {"prefix":"a"} ~ "ba" ~ no
        {"prefix":"a"} ~ "A" ~ no
        {"prefix":"a"} ~ "" ~ no
        {"prefix":"a"} ~ - ~ no
        {"prefix":"1"} ~ 12 ~ no
        {"prefix":"t"} ~ true ~ no
        {"prefix":"n"} ~ null ~ no
        {"prefix":""} ~ "x" ~ yes
        {"prefix":""} ~ "" ~ yes
        {"prefix":""} ~ 1 ~ no
        {"prefix":""} ~ null ~ no
        {"prefix":""} ~ true ~ no
        {"prefix":""} ~ - ~ no
        {"prefix":""} ~ [] ~ no
        {"prefix":""} ~ ["x"] ~ yes
        {"prefix":"b"} ~ ["a","bc"] ~ yes
        {"prefix":"b"} ~ {"b":"b"} ~ no
        {"prefix":"a"},{"prefix":"b"} ~ "bx" ~ yes
        {"prefix":"a"},"x" ~ "x" ~ yes
        {"prefix":{"equals-ignore-case":"Ab"}} ~ "aBc" ~ yes
        {"prefix":{"equals-ignore-case":"Ab"}} ~ "AB" ~ yes
        {"prefix":{"equals-ignore-case":"Ab"}} ~ "a" ~ no
        {"prefix":{"equals-ignore-case":"Ab"}} ~ "xab" ~ no
        {"prefix":{"equals-ignore-case":""}} ~ "x" ~ yes
        {"prefix":{"equals-ignore-case":""}} ~ 1 ~ no
        {"prefix":{"equals-ignore-case":"é"}} ~ "Éa" ~ yes
        {"prefix":{"equals-ignore-case":"ß"}} ~ "SSx" ~ yes
        {"prefix":{"equals-ignore-case":"ss"}} ~ "ßx" ~ no
        """#)

    // README, "Suffix matching"; user guide, "Suffix matching while ignoring case".
    private static let suffixes = values(
        "suffixes",
        #"""
        {"suffix":".png"} ~ "a.png" ~ yes
        {"suffix":".png"} ~ ".png" ~ yes
        {"suffix":".png"} ~ "png" ~ no
        {"suffix":".png"} ~ "a.PNG" ~ no
        {"suffix":".png"} ~ "a.png " ~ no
        {"suffix":"5"} ~ 15 ~ no
        {"suffix":"e"} ~ true ~ no
        {"suffix":""} ~ "x" ~ yes
        {"suffix":""} ~ "" ~ yes
        {"suffix":""} ~ 1 ~ no
        {"suffix":""} ~ null ~ no
        {"suffix":""} ~ - ~ no
        {"suffix":"b"} ~ ["ab","c"] ~ yes
        {"suffix":"b"} ~ ["a","c"] ~ no
        {"suffix":{"equals-ignore-case":".pNg"}} ~ "a.PnG" ~ yes
        {"suffix":{"equals-ignore-case":".png"}} ~ "a.pn" ~ no
        {"suffix":{"equals-ignore-case":"é"}} ~ "aÉ" ~ yes
        {"suffix":{"equals-ignore-case":"ß"}} ~ "xSS" ~ yes
        {"suffix":{"equals-ignore-case":""}} ~ "x" ~ yes
        {"suffix":{"equals-ignore-case":""}} ~ 1 ~ no
        """#)

    // README, "Equals-ignore-case matching"; EqualsIgnoreCaseParser: each character of the pattern
    // stands for its lower and its upper case.
    private static let ignoredCase = values(
        "ignored case",
        #"""
        {"equals-ignore-case":"alice"} ~ "ALICE" ~ yes
        {"equals-ignore-case":"ALICE"} ~ "alice" ~ yes
        {"equals-ignore-case":"alice"} ~ "Alice" ~ yes
        {"equals-ignore-case":"alice"} ~ "alic" ~ no
        {"equals-ignore-case":"alice"} ~ "alicee" ~ no
        {"equals-ignore-case":"alice"} ~ ["x","ALICE"] ~ yes
        {"equals-ignore-case":"1a"} ~ "1A" ~ yes
        {"equals-ignore-case":"1"} ~ 1 ~ no
        {"equals-ignore-case":"true"} ~ true ~ no
        {"equals-ignore-case":""} ~ "" ~ yes
        {"equals-ignore-case":""} ~ "a" ~ no
        {"equals-ignore-case":"é"} ~ "É" ~ yes
        {"equals-ignore-case":"é"} ~ "e" ~ no
        {"equals-ignore-case":"STRASSE"} ~ "straße" ~ no
        {"equals-ignore-case":"straße"} ~ "STRASSE" ~ yes
        {"equals-ignore-case":"straße"} ~ "Straße" ~ yes
        {"equals-ignore-case":"ẞ"} ~ "ß" ~ yes
        {"equals-ignore-case":"ß"} ~ "ẞ" ~ no
        {"equals-ignore-case":"Σ"} ~ "σ" ~ yes
        {"equals-ignore-case":"Σ"} ~ "ς" ~ no
        {"equals-ignore-case":"𐐀"} ~ "𐐨" ~ yes
        """#)

    // README, "Wildcard matching".
    private static let wildcards = values(
        "wildcards",
        #"""
        {"wildcard":"*"} ~ "" ~ yes
        {"wildcard":"*"} ~ "abc" ~ yes
        {"wildcard":"*"} ~ 1 ~ no
        {"wildcard":"*"} ~ null ~ no
        {"wildcard":"*"} ~ - ~ no
        {"wildcard":""} ~ "" ~ yes
        {"wildcard":""} ~ "a" ~ no
        {"wildcard":"abc"} ~ "abc" ~ yes
        {"wildcard":"abc"} ~ "abcd" ~ no
        {"wildcard":"a*"} ~ "a" ~ yes
        {"wildcard":"a*"} ~ "ab" ~ yes
        {"wildcard":"a*"} ~ "ba" ~ no
        {"wildcard":"A*"} ~ "ab" ~ no
        {"wildcard":"*a"} ~ "ba" ~ yes
        {"wildcard":"*a"} ~ "ab" ~ no
        {"wildcard":"a*c"} ~ "abc" ~ yes
        {"wildcard":"a*c"} ~ "ac" ~ yes
        {"wildcard":"a*c"} ~ "ab" ~ no
        {"wildcard":"a*a"} ~ "a" ~ no
        {"wildcard":"a*b*c"} ~ "aXbYc" ~ yes
        {"wildcard":"a*b*c"} ~ "acb" ~ no
        {"wildcard":"*/lib/*"} ~ "/usr/lib/x" ~ yes
        {"wildcard":"*/lib/*"} ~ "lib" ~ no
        {"wildcard":"dir/*.png"} ~ "dir/sub/a.png" ~ yes
        {"wildcard":"é*"} ~ "éa" ~ yes
        {"wildcard":"*b"} ~ ["a","ab"] ~ yes
        {"wildcard":"a\\*b"} ~ "a*b" ~ yes
        {"wildcard":"a\\*b"} ~ "aXb" ~ no
        {"wildcard":"a\\\\*"} ~ "a\\b" ~ yes
        {"wildcard":"a\\\\*"} ~ "ab" ~ no
        {"wildcard":"*\\**"} ~ "x*y" ~ yes
        {"wildcard":"*\\**"} ~ "xy" ~ no
        """#)

    // README, "Numeric matching". ComparableNumber: magnitudes to 5e11, six decimals; other numbers
    // of an event pass no comparison.
    private static let comparisons = values(
        "comparisons",
        #"""
        {"numeric":[">",0,"<=",5]} ~ 5 ~ yes
        {"numeric":[">",0,"<=",5]} ~ 0 ~ no
        {"numeric":[">",0,"<=",5]} ~ 0.000001 ~ yes
        {"numeric":[">",0,"<=",5]} ~ 5.000001 ~ no
        {"numeric":[">=",0,"<",1]} ~ 0 ~ yes
        {"numeric":[">=",0,"<",1]} ~ 1 ~ no
        {"numeric":[">",-5,"<",-3]} ~ -4 ~ yes
        {"numeric":["<",10]} ~ 9 ~ yes
        {"numeric":["<",10]} ~ 10 ~ no
        {"numeric":["<",10]} ~ -1e1 ~ yes
        {"numeric":["<=",-5]} ~ -5.0 ~ yes
        {"numeric":["<=",-5]} ~ -4 ~ no
        {"numeric":[">=",5]} ~ 5 ~ yes
        {"numeric":[">=",5]} ~ 4.999999 ~ no
        {"numeric":[">",5]} ~ 5 ~ no
        {"numeric":["=",301.8]} ~ 3.018e2 ~ yes
        {"numeric":["=",3.018e2]} ~ 301.8 ~ yes
        {"numeric":["=",301.8]} ~ 301.9 ~ no
        {"numeric":["=",0]} ~ -0 ~ yes
        {"numeric":["=",500000000000]} ~ 5e11 ~ yes
        {"numeric":[">",0]} ~ 500000000000 ~ yes
        {"numeric":[">",0]} ~ 500000000001 ~ no
        {"numeric":[">",0]} ~ 1e12 ~ no
        {"numeric":["<",0]} ~ -500000000000 ~ yes
        {"numeric":["<",0]} ~ -500000000000.1 ~ no
        {"numeric":[">",0]} ~ 0.1234567 ~ no
        {"numeric":[">",0]} ~ "5" ~ no
        {"numeric":[">",0]} ~ null ~ no
        {"numeric":[">",0]} ~ true ~ no
        {"numeric":[">",0]} ~ - ~ no
        {"numeric":[">",0]} ~ [] ~ no
        {"numeric":[">",0]} ~ [0,1] ~ yes
        {"numeric":[">",0]} ~ [0,-1] ~ no
        {"numeric":[">",0]} ~ {"a":1} ~ no
        {"numeric":["<",0]},{"numeric":[">",9]} ~ 10 ~ yes
        {"numeric":["<",0]},{"numeric":[">",9]} ~ 5 ~ no
        """#)

    // README, "Exists matching": it works on leaves only. An object and an empty list are none.
    private static let presence = values(
        "presence",
        #"""
        {"exists":true} ~ "a" ~ yes
        {"exists":true} ~ "" ~ yes
        {"exists":true} ~ null ~ yes
        {"exists":true} ~ false ~ yes
        {"exists":true} ~ 0 ~ yes
        {"exists":true} ~ - ~ no
        {"exists":true} ~ {} ~ no
        {"exists":true} ~ {"x":1} ~ no
        {"exists":true} ~ [] ~ no
        {"exists":true} ~ [1] ~ yes
        {"exists":true} ~ [[]] ~ no
        {"exists":true} ~ [[null]] ~ yes
        {"exists":true} ~ [{}] ~ no
        {"exists":true} ~ [{"x":1}] ~ no
        {"exists":true} ~ [{"x":1},1] ~ yes
        {"exists":false} ~ "a" ~ no
        {"exists":false} ~ "" ~ no
        {"exists":false} ~ null ~ no
        {"exists":false} ~ false ~ no
        {"exists":false} ~ - ~ yes
        {"exists":false} ~ {} ~ yes
        {"exists":false} ~ {"x":1} ~ yes
        {"exists":false} ~ [] ~ yes
        {"exists":false} ~ [1] ~ no
        {"exists":false} ~ [[]] ~ yes
        {"exists":false} ~ [{"x":1}] ~ yes
        {"exists":false} ~ [{"x":1},1] ~ no
        {"exists":false},"a" ~ - ~ yes
        {"exists":false},"a" ~ "a" ~ yes
        {"exists":false},"a" ~ "b" ~ no
        {"exists":true},{"exists":false} ~ - ~ yes
        {"exists":true},{"exists":false} ~ 1 ~ yes
        """#)

    // README, "IP Address Matching"; CIDR: the bits of the address beyond the block are ignored.
    private static let blocks = values(
        "blocks of addresses",
        #"""
        {"cidr":"10.0.0.0/24"} ~ "10.0.0.0" ~ yes
        {"cidr":"10.0.0.0/24"} ~ "10.0.0.255" ~ yes
        {"cidr":"10.0.0.0/24"} ~ "10.0.1.0" ~ no
        {"cidr":"10.0.0.0/24"} ~ "9.255.255.255" ~ no
        {"cidr":"10.0.0.0/24"} ~ "10.0.0" ~ no
        {"cidr":"10.0.0.0/24"} ~ "10.0.0.256" ~ no
        {"cidr":"10.0.0.0/24"} ~ "10.0.0.0.1" ~ no
        {"cidr":"10.0.0.0/24"} ~ "10.0.0.1/24" ~ no
        {"cidr":"10.0.0.0/24"} ~ " 10.0.0.1" ~ no
        {"cidr":"10.0.0.0/24"} ~ "010.0.0.1" ~ yes
        {"cidr":"10.0.0.0/24"} ~ "" ~ no
        {"cidr":"10.0.0.0/24"} ~ "::1" ~ no
        {"cidr":"10.0.0.0/24"} ~ "::ffff:a00:1" ~ yes
        {"cidr":"10.0.0.0/24"} ~ 10 ~ no
        {"cidr":"10.0.0.0/24"} ~ null ~ no
        {"cidr":"10.0.0.0/24"} ~ - ~ no
        {"cidr":"10.0.0.0/24"} ~ ["x","10.0.0.9"] ~ yes
        {"cidr":"10.0.0.5/24"} ~ "10.0.0.1" ~ yes
        {"cidr":"10.0.0.0/9"} ~ "10.127.255.255" ~ yes
        {"cidr":"10.0.0.0/9"} ~ "10.128.0.0" ~ no
        {"cidr":"10.0.0.0/31"} ~ "10.0.0.1" ~ yes
        {"cidr":"10.0.0.0/31"} ~ "10.0.0.2" ~ no
        {"cidr":"0.0.0.0/0"} ~ "255.255.255.255" ~ yes
        {"cidr":"0.0.0.0/0"} ~ "::1" ~ no
        {"cidr":"2001:db8::/32"} ~ "2001:db8::1" ~ yes
        {"cidr":"2001:db8::/32"} ~ "2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff" ~ yes
        {"cidr":"2001:db8::/32"} ~ "2001:db8:0:0:0:0:0:1" ~ yes
        {"cidr":"2001:db8::/32"} ~ "2001:db9::" ~ no
        {"cidr":"2001:db8::/32"} ~ "2001:db8:::1" ~ no
        {"cidr":"2001:db8::/32"} ~ "2001:db8::1::2" ~ no
        {"cidr":"2001:db8::/32"} ~ "2001:db8:0:0:0:0:0:0:1" ~ no
        {"cidr":"2001:db8::/32"} ~ "2001:db8:00000::1" ~ no
        {"cidr":"2001:db8::/32"} ~ "10.0.0.1" ~ no
        {"cidr":"2400:6500:ff00::36fb:1f80/122"} ~ "2400:6500:ff00::36fb:1fbf" ~ yes
        {"cidr":"2400:6500:ff00::36fb:1f80/122"} ~ "2400:6500:ff00::36fb:1fc0" ~ no
        {"cidr":"::/0"} ~ "::" ~ yes
        {"cidr":"::/0"} ~ "1.2.3.4" ~ no
        """#)

    // JsonRuleCompiler: text of a pattern that is an address matches the address in any spelling.
    private static let addresses = values(
        "addresses",
        #"""
        "10.0.0.1" ~ "10.0.0.1" ~ yes
        "10.0.0.1" ~ "10.0.0.2" ~ no
        "10.0.0.1" ~ "10.0.0.1 " ~ no
        "::1" ~ "::1" ~ yes
        "::1" ~ "0:0:0:0:0:0:0:1" ~ yes
        "::1" ~ "::2" ~ no
        "2001:DB8::FF" ~ "2001:db8::ff" ~ yes
        {"exactly":"::1"} ~ "::1" ~ yes
        {"exactly":"::1"} ~ "0:0:0:0:0:0:0:1" ~ no
        {"anything-but":"::1"} ~ "0:0:0:0:0:0:0:1" ~ yes
        {"prefix":"10."} ~ "10.0.0.1" ~ yes
        """#)
}
