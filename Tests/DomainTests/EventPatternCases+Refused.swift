// Patterns that Event Ruler refuses. The sources are JsonRuleCompiler, WildcardParser, CIDR,
// ComparableNumber and Range of aws/event-ruler.

extension EventPatternGroup {
    static let ofRefusals: [EventPatternGroup] = [
        operators, refusedComparisons, exclusions, refusedBlocks, shapes, refusedAlternatives,
    ]

    // One operator an object, with an operand of its type.
    private static let operators = refusedValues(
        "operators that are refused",
        #"""
        ["a"]
        {}
        {"other":"a"}
        {"prefix":1}
        {"prefix":null}
        {"prefix":["a"]}
        {"prefix":{}}
        {"prefix":{"suffix":"a"}}
        {"prefix":{"equals-ignore-case":1}}
        {"prefix":{"equals-ignore-case":["a"]}}
        {"prefix":{"equals-ignore-case":"a","x":1}}
        {"prefix":"a","suffix":"b"}
        {"suffix":1}
        {"suffix":["a"]}
        {"suffix":{"prefix":"a"}}
        {"suffix":{}}
        {"equals-ignore-case":1}
        {"equals-ignore-case":["a"]}
        {"equals-ignore-case":{"prefix":"a"}}
        {"exactly":1}
        {"exactly":["a"]}
        {"exists":"true"}
        {"exists":1}
        {"exists":null}
        {"exists":[true]}
        {"wildcard":1}
        {"wildcard":["a"]}
        {"wildcard":"a**b"}
        {"wildcard":"**"}
        {"wildcard":"a\\b"}
        {"wildcard":"a\\"}
        "a",{"wildcard":"a**b"}
        """#)

    // A comparison, or a lower bound and then a higher upper one; comparable numbers alone.
    private static let refusedComparisons = refusedValues(
        "comparisons that are refused",
        #"""
        {"numeric":5}
        {"numeric":">"}
        {"numeric":[]}
        {"numeric":[5]}
        {"numeric":[">"]}
        {"numeric":["!",1]}
        {"numeric":["!=",1]}
        {"numeric":[">","1"]}
        {"numeric":[">",true]}
        {"numeric":[">",0,"<"]}
        {"numeric":["<",1,">",0]}
        {"numeric":["=",1,"<",2]}
        {"numeric":[">",0,"=",1]}
        {"numeric":[">",0,">",1]}
        {"numeric":[">",2,"<",1]}
        {"numeric":[">",1,"<",1]}
        {"numeric":[">=",1,"<=",1]}
        {"numeric":[">",0,"<",1,"<",2]}
        {"numeric":[">",500000000000.000001]}
        {"numeric":["<",-500000000001]}
        {"numeric":["=",0.1234567]}
        {"numeric":["=",1e200]}
        1e200
        """#)

    // Text alone or numbers alone; one operator of text, with one text or a list.
    private static let exclusions = refusedValues(
        "anything-but that is refused",
        #"""
        {"anything-but":null}
        {"anything-but":true}
        {"anything-but":[]}
        {"anything-but":[null]}
        {"anything-but":[true]}
        {"anything-but":["a",1]}
        {"anything-but":["a",null]}
        {"anything-but":[["a"]]}
        {"anything-but":[{"prefix":"a"}]}
        {"anything-but":500000000001}
        {"anything-but":0.1234567}
        {"anything-but":[1,0.1234567]}
        {"anything-but":{}}
        {"anything-but":{"exists":true}}
        {"anything-but":{"numeric":[">",1]}}
        {"anything-but":{"cidr":"10.0.0.0/8"}}
        {"anything-but":{"anything-but":"a"}}
        {"anything-but":{"exactly":"a"}}
        {"anything-but":{"prefix":"a","suffix":"b"}}
        {"anything-but":{"prefix":""}}
        {"anything-but":{"prefix":["a",""]}}
        {"anything-but":{"prefix":[]}}
        {"anything-but":{"prefix":1}}
        {"anything-but":{"prefix":["a",1]}}
        {"anything-but":{"prefix":{"equals-ignore-case":"a"}}}
        {"anything-but":{"suffix":""}}
        {"anything-but":{"suffix":[]}}
        {"anything-but":{"suffix":null}}
        {"anything-but":{"equals-ignore-case":1}}
        {"anything-but":{"equals-ignore-case":[]}}
        {"anything-but":{"wildcard":"a**"}}
        {"anything-but":{"wildcard":["a","b\\"]}}
        """#)

    // An address, one slash, and fewer bits than the address has.
    private static let refusedBlocks = refusedValues(
        "blocks of addresses that are refused",
        #"""
        {"cidr":1}
        {"cidr":["10.0.0.0/8"]}
        {"cidr":"10.0.0.0"}
        {"cidr":"10.0.0.0/"}
        {"cidr":"10.0.0.0/32"}
        {"cidr":"10.0.0.0/33"}
        {"cidr":"10.0.0.0/1000"}
        {"cidr":"10.0.0.0/-1"}
        {"cidr":"10.0.0.0/x"}
        {"cidr":"10.0.0.0/24/1"}
        {"cidr":"/24"}
        {"cidr":"10.0.0/24"}
        {"cidr":"10.10.10.10.10/3"}
        {"cidr":"10.0.0.256/24"}
        {"cidr":"2.1.0.-1/3"}
        {"cidr":"foo/3"}
        {"cidr":"foo/bar/baz"}
        {"cidr":"::/128"}
        {"cidr":"2001:db8::g/32"}
        {"cidr":"2400:6500:3:3:3:3:3:3:3:3FF00::36FB:1F80/122"}
        {"cidr":"::ffff:a00:0/104"}
        """#)

    // A pattern is an object of fields. A field has an object or a list, neither of them empty, and
    // a name once.
    private static let shapes = refusedPatterns(
        "shapes that are refused",
        #"""
        []
        1
        "x"
        null
        {}
        {"a":"x"}
        {"a":1}
        {"a":null}
        {"a":[]}
        {"a":{}}
        {"a":{"b":[]}}
        {"a":{"b":"x"}}
        {"a":{"b":["x"],"c":{}}}
        {"a":["x"],"a":["y"]}
        {"a":["x"]
        {"a":["x"]} {}
        {"a":["x"],}
        {a:["x"]}
        """#)

    // Neither an operator nor a field.
    private static let refusedAlternatives = refusedPatterns(
        "$or that is refused",
        #"""
        {"$or":[]}
        {"$or":{}}
        {"$or":"x"}
        {"$or":[{"a":["x"]}]}
        {"$or":[{"a":["x"]},{}]}
        {"$or":[{"a":["x"]},"b"]}
        {"$or":[{"a":["x"]},{"b":"y"}]}
        {"$or":[{"prefix":["x"]},{"a":["y"]}]}
        {"$or":[{"numeric":123},{"prefix":"abc"}]}
        {"$or":[{"a":{"exists":["x"]}},{"b":["y"]}]}
        {"$or":[{"a":["x"]},{"b":["y"]}],"c":[]}
        {"a":{"$or":[{"b":["x"]}]}}
        """#)
}
