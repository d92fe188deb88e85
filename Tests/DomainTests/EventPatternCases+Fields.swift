// What Event Ruler does with lists, objects and `$or`. The sources are the README of
// aws/event-ruler and the files of it that are named with each group.

extension EventPatternGroup {
    static let ofFields: [EventPatternGroup] = [
        excludedValues, excludedTests, fields, objects, absence, orders, alternatives, overlaps,
        fieldsNamedOr,
    ]

    // README, "Anything-but matching"; aws/event-ruler, issues 71 and 143. Any value that is not
    // excluded matches, also of another type. A list matches if one element is not excluded.
    private static let excludedValues = values(
        "anything-but with values",
        #"""
        {"anything-but":"a"} ~ "b" ~ yes
        {"anything-but":"a"} ~ "a" ~ no
        {"anything-but":"a"} ~ "A" ~ yes
        {"anything-but":"a"} ~ "" ~ yes
        {"anything-but":"a"} ~ 1 ~ yes
        {"anything-but":"a"} ~ null ~ yes
        {"anything-but":"a"} ~ true ~ yes
        {"anything-but":"a"} ~ - ~ no
        {"anything-but":"a"} ~ {} ~ no
        {"anything-but":"a"} ~ {"x":"b"} ~ no
        {"anything-but":"a"} ~ [] ~ no
        {"anything-but":"a"} ~ [{}] ~ no
        {"anything-but":"a"} ~ ["a"] ~ no
        {"anything-but":"a"} ~ ["a","a"] ~ no
        {"anything-but":"a"} ~ ["a","b"] ~ yes
        {"anything-but":"a"} ~ ["b"] ~ yes
        {"anything-but":"a"} ~ [["a"]] ~ no
        {"anything-but":"a"} ~ [["a"],["b"]] ~ yes
        {"anything-but":"a"} ~ ["a",null] ~ yes
        {"anything-but":""} ~ "" ~ no
        {"anything-but":""} ~ "a" ~ yes
        {"anything-but":1} ~ 2 ~ yes
        {"anything-but":1} ~ 1 ~ no
        {"anything-but":1} ~ 1.0 ~ no
        {"anything-but":1} ~ "1" ~ yes
        {"anything-but":1} ~ null ~ yes
        {"anything-but":1} ~ - ~ no
        {"anything-but":1} ~ [1,"1"] ~ yes
        {"anything-but":1} ~ 999999999999 ~ yes
        {"anything-but":1} ~ 0.1234567 ~ yes
        {"anything-but":["a","b"]} ~ "c" ~ yes
        {"anything-but":["a","b"]} ~ "b" ~ no
        {"anything-but":["a","b"]} ~ null ~ yes
        {"anything-but":["a","b"]} ~ ["a","b"] ~ no
        {"anything-but":["a","b"]} ~ ["a","b","c"] ~ yes
        {"anything-but":["a"]} ~ "b" ~ yes
        {"anything-but":[100,200]} ~ 100 ~ no
        {"anything-but":[100,200]} ~ 300 ~ yes
        {"anything-but":[100,200]} ~ "100" ~ yes
        {"anything-but":[5e2]} ~ 500 ~ no
        {"anything-but":"a"},"a" ~ "a" ~ yes
        {"anything-but":"a"},{"anything-but":"b"} ~ "a" ~ yes
        {"anything-but":"a"},{"exists":false} ~ - ~ yes
        {"anything-but":"a"},{"exists":false} ~ "b" ~ yes
        {"anything-but":"a"},{"exists":false} ~ "a" ~ no
        """#)

    // User guide, "Comparison operators": anything-but with prefix, suffix, equals-ignore-case and
    // wildcard, each with one text or a list.
    private static let excludedTests = values(
        "anything-but with tests",
        #"""
        {"anything-but":{"prefix":"init"}} ~ "initializing" ~ no
        {"anything-but":{"prefix":"init"}} ~ "init" ~ no
        {"anything-but":{"prefix":"init"}} ~ "stopped" ~ yes
        {"anything-but":{"prefix":"init"}} ~ 1 ~ yes
        {"anything-but":{"prefix":"init"}} ~ null ~ yes
        {"anything-but":{"prefix":"init"}} ~ - ~ no
        {"anything-but":{"prefix":["init","err"]}} ~ "stopped" ~ yes
        {"anything-but":{"prefix":["init","err"]}} ~ "error" ~ no
        {"anything-but":{"prefix":"a"}} ~ ["ab","ac"] ~ no
        {"anything-but":{"prefix":"a"}} ~ ["ab","b"] ~ yes
        {"anything-but":{"prefix":"a"}} ~ [] ~ no
        {"anything-but":{"suffix":".txt"}} ~ "a.txt" ~ no
        {"anything-but":{"suffix":".txt"}} ~ "a.png" ~ yes
        {"anything-but":{"suffix":[".txt",".rtf"]}} ~ "a.png" ~ yes
        {"anything-but":{"suffix":[".txt",".rtf"]}} ~ "a.rtf" ~ no
        {"anything-but":{"equals-ignore-case":"a"}} ~ "A" ~ no
        {"anything-but":{"equals-ignore-case":"a"}} ~ "b" ~ yes
        {"anything-but":{"equals-ignore-case":"1"}} ~ 1 ~ yes
        {"anything-but":{"equals-ignore-case":["a","b"]}} ~ "B" ~ no
        {"anything-but":{"equals-ignore-case":["a","b"]}} ~ "c" ~ yes
        {"anything-but":{"equals-ignore-case":["a","b"]}} ~ ["A","B"] ~ no
        {"anything-but":{"equals-ignore-case":["a","b"]}} ~ ["A","C"] ~ yes
        {"anything-but":{"equals-ignore-case":""}} ~ "" ~ no
        {"anything-but":{"equals-ignore-case":""}} ~ "a" ~ yes
        {"anything-but":{"wildcard":"*/lib/*"}} ~ "/usr/lib/x" ~ no
        {"anything-but":{"wildcard":"*/lib/*"}} ~ "/usr/share" ~ yes
        {"anything-but":{"wildcard":["*/lib/*","*.md"]}} ~ "a.md" ~ no
        {"anything-but":{"wildcard":["*/lib/*","*.md"]}} ~ "a.txt" ~ yes
        {"anything-but":{"wildcard":"*"}} ~ "a" ~ no
        {"anything-but":{"wildcard":"*"}} ~ 1 ~ yes
        {"anything-but":{"wildcard":""}} ~ "" ~ no
        """#)

    // README, "Simple matching", "Default And relationship" and "Complex example".
    private static let fields = patterns(
        "fields",
        #"""
        {"a":["1"],"b":["2"]} ~ {"a":"1","b":"2"} ~ yes
        {"a":["1"],"b":["2"]} ~ {"a":"1","b":"2","c":3} ~ yes
        {"a":["1"],"b":["2"]} ~ {"a":"1"} ~ no
        {"a":["1"],"b":["2"]} ~ {"a":"1","b":"3"} ~ no
        {"a":{"b":["x"]}} ~ {"a":{"b":"x"}} ~ yes
        {"a":{"b":["x"]}} ~ {"a":{"b":["y","x"]}} ~ yes
        {"a":{"b":["x"]}} ~ {"a":"x"} ~ no
        {"a":{"b":["x"]}} ~ {"a":{}} ~ no
        {"a":{"b":["x"]}} ~ {"a":null} ~ no
        {"a":{"b":["x"]}} ~ {} ~ no
        {"a":{"b":["x"]}} ~ {"b":"x"} ~ no
        {"a":{"b":{"c":[1]}}} ~ {"a":{"b":{"c":1}}} ~ yes
        {"a":{"b":{"c":[1]}}} ~ {"a":{"c":1}} ~ no
        {"A":["x"]} ~ {"a":"x"} ~ no
        {"\u00e9":["x"]} ~ {"é":"x"} ~ yes
        {"\u00e9":["x"]} ~ {"e\u0301":"x"} ~ no
        {"":["x"]} ~ {"":"x"} ~ yes
        {"a.b":["x"]} ~ {"a.b":"x"} ~ yes
        {"prefix":["x"]} ~ {"prefix":"x"} ~ yes
        {"resources":["arn:a"]} ~ {"resources":["x","arn:a"]} ~ yes
        {"time":[{"prefix":"2017-10-02"}]} ~ {"time":"2017-10-02T18:43:48Z"} ~ yes
        {"d":{"s":[{"anything-but":"i"}],"c":[{"numeric":[">",0]}]}} ~ {"d":{"s":"r","c":5}} ~ yes
        {"d":{"s":[{"anything-but":"i"}],"c":[{"numeric":[">",0]}]}} ~ {"d":{"s":"i","c":5}} ~ no
        {"a":["x"] , "b" : [ 1 ] } ~ {"a":"x","b":1} ~ yes
        """#)

    // README, "JSON Array Matching": lists are crushed out of the event, and no two fields may be
    // in objects that are different elements of one list.
    private static let objects = patterns(
        "lists of objects",
        #"""
        {"e":{"f":["Anna"]}} ~ {"e":[{"f":"John"},{"f":"Anna"}]} ~ yes
        {"e":{"f":["Anna"]}} ~ {"e":[[{"f":"John"},{"f":"Anna"}],[{"f":"Peter"}]]} ~ yes
        {"e":{"f":["Anna"],"l":["Smith"]}} ~ {"e":[{"f":"J"},{"f":"Anna","l":"Smith"}]} ~ yes
        {"e":{"f":["Anna"],"l":["Jones"]}} ~ {"e":[{"f":"Anna"},{"l":"Jones"}]} ~ no
        {"e":{"f":["Anna"],"l":["Jones"]}} ~ {"e":[[{"f":"Anna"}],[{"l":"Jones"}]]} ~ no
        {"e":{"f":["Anna"],"l":["Jones"]}} ~ {"e":[[{"f":"Anna"},{"l":"Jones"}]]} ~ no
        {"e":{"f":["Anna"],"l":["Jones"]}} ~ {"e":[[{"f":"Anna","l":"Jones"}]]} ~ yes
        {"u":{"t":{"k":["c"],"v":["b"]}}} ~ {"u":[{"t":[{"k":"c","v":"b"}]}]} ~ yes
        {"u":{"t":{"k":["c"],"v":["b"]}}} ~ {"u":[{"t":[{"k":"c"},{"v":"b"}]}]} ~ no
        {"u":{"t":{"k":["c"],"v":["b"]}}} ~ {"u":[{"t":{"k":"c"}},{"t":{"v":"b"}}]} ~ no
        {"d":{"n":["a"],"i":{"x":[1]}}} ~ {"d":[{"n":"a","i":{"x":1}}]} ~ yes
        {"d":{"n":["a"],"i":{"x":[1]}}} ~ {"d":[{"n":"a"},{"i":{"x":1}}]} ~ no
        {"d":{"n":["a"],"i":{"x":[1]}}} ~ {"d":[{"n":"a","i":[{"x":0},{"x":1}]}]} ~ yes
        {"p":{"a":[1]},"q":{"b":[2]}} ~ {"p":[{"a":3},{"a":1}],"q":[{"b":2},{"b":0}]} ~ yes
        {"d":{"t":["a"],"u":["x"]}} ~ {"d":{"t":["b","a"],"u":["x","y"]}} ~ yes
        {"d":{"t":["a"],"u":["x"]}} ~ {"d":[{"t":["b","a"],"u":["y","x"]}]} ~ yes
        {"d":{"t":["a"],"u":["x"]}} ~ {"d":[{"t":["b","a"],"u":"y"},{"t":"c","u":"x"}]} ~ no
        {"d":{"a":[1]}} ~ {"d":[1,"x",{"a":1}]} ~ yes
        {"d":{"a":[1]}} ~ {"d":[1,"x"]} ~ no
        {"d":{"a":[1]}} ~ {"d":[]} ~ no
        {"d":{"a":[1]}} ~ {"d":[{}]} ~ no
        {"d":{"a":[{"anything-but":1}],"b":[2]}} ~ {"d":[{"a":1,"b":2},{"a":3,"b":4}]} ~ no
        {"d":{"a":[{"anything-but":1}],"b":[2]}} ~ {"d":[{"a":1,"b":4},{"a":3,"b":2}]} ~ yes
        {"d":{"a":[{"numeric":[">",0]}],"b":["x"]}} ~ {"d":[{"a":0,"b":"x"},{"a":1}]} ~ no
        """#)

    // README, "Exists matching", and NameState: a value is absent if no value of its path can be
    // of the elements that were chosen before.
    private static let absence = patterns(
        "absence",
        #"""
        {"a":{"b":[{"exists":false}]}} ~ {"a":{}} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":1} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":null} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":[]} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":[1,2]} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":{"b":{}}} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":{"b":1}} ~ no
        {"a":{"b":[{"exists":false}]}} ~ {"a":[{"c":1}]} ~ yes
        {"a":{"b":[{"exists":false}]}} ~ {"a":[{"b":1}]} ~ no
        {"a":{"b":[{"exists":false}]}} ~ {"a":[{"b":1},{}]} ~ no
        {"a":{"b":[{"exists":false}]},"c":[1]} ~ {"c":1} ~ yes
        {"a":{"b":[{"exists":false}]},"c":[1]} ~ {"a":{"b":2},"c":1} ~ no
        {"d":{"a":[1],"b":[{"exists":false}]}} ~ {"d":[{"a":1}]} ~ yes
        {"d":{"a":[1],"b":[{"exists":false}]}} ~ {"d":[{"a":1,"b":2}]} ~ no
        {"d":{"a":[1],"b":[{"exists":false}]}} ~ {"d":[{"a":1},{"b":2}]} ~ yes
        {"d":{"a":[1],"b":[{"exists":false}]}} ~ {"d":[{"a":1,"b":2},{"a":1}]} ~ yes
        {"d":{"a":[1],"b":[{"exists":false}]}} ~ {"d":[{"a":1,"b":2},{"c":1}]} ~ no
        {"d":{"a":[1],"b":[{"exists":false},2]}} ~ {"d":[{"a":1},{"b":3}]} ~ yes
        {"d":{"a":[1],"b":[{"exists":false},2]}} ~ {"d":[{"a":1,"b":3}]} ~ no
        {"d":{"a":[1],"b":[{"exists":false},2]}} ~ {"d":[{"a":1,"b":2}]} ~ yes
        """#)

    // GenericMachine takes the paths of a pattern in the order of Java's strings, with points
    // between names. The first one that has a value chooses the element.
    private static let orders = patterns(
        "absence before a choice",
        #"""
        {"d":{"a":[{"exists":false}],"b":[2]}} ~ {"d":[{"b":2}]} ~ yes
        {"d":{"a":[{"exists":false}],"b":[2]}} ~ {"d":[{"b":2},{"c":1}]} ~ yes
        {"d":{"a":[{"exists":false}],"b":[2]}} ~ {"d":[{"a":1},{"b":2}]} ~ no
        {"d":{"b":[2],"a":[{"exists":false}]}} ~ {"d":[{"a":1},{"b":2}]} ~ no
        {"d":{"a":[{"exists":false},1],"b":[2]}} ~ {"d":[{"a":1},{"b":2}]} ~ no
        {"d":{"a":[{"exists":false},1],"b":[2]}} ~ {"d":[{"a":3},{"b":2}]} ~ no
        {"d":{"a":[{"exists":false},1],"b":[2]}} ~ {"d":[{"a":1,"b":2}]} ~ yes
        {"d":{"a":[{"exists":false},1],"b":[2]}} ~ {"d":[{"b":2}]} ~ yes
        {"d":{"a":{"x":[{"exists":false}]},"ab":[1]}} ~ {"d":[{"ab":1},{"a":{"x":1}}]} ~ no
        {"d":{"a":{"x":[{"exists":false}]},"a-b":[1]}} ~ {"d":[{"a-b":1},{"a":{"x":1}}]} ~ yes
        """#)

    // README, "The $or Primitive".
    private static let alternatives = patterns(
        "$or",
        #"""
        {"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]} ~ {"a":"1","b":"2"} ~ yes
        {"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]} ~ {"a":"1","c":"3"} ~ yes
        {"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]} ~ {"a":"1","b":"3"} ~ no
        {"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]} ~ {"a":"1"} ~ no
        {"a":["1"],"$or":[{"b":["2"]},{"c":["3"]}]} ~ {"b":"2"} ~ no
        {"$or":[{"a":[1]},{"b":[2],"c":[3]}]} ~ {"b":2} ~ no
        {"$or":[{"a":[1]},{"b":[2],"c":[3]}]} ~ {"b":2,"c":3} ~ yes
        {"$or":[{"a":[1]},{"a":[2]},{"a":[3]}]} ~ {"a":3} ~ yes
        {"$or":[{"a":["1"]},{"b":["2"]}],"d":{"$or":[{"x":[1]},{"y":[2]}]}} ~ {"a":"1"} ~ no
        {"$or":[{"a":["1"]},{"b":["2"]}],"d":{"$or":[{"x":[1]},{"y":[2]}]}} ~ {"d":{"x":1}} ~ no
        {"$or":[{"a":[1]},{"b":[2]}],"d":{"$or":[{"x":[1]},{"y":[2]}]}} ~ {"b":2,"d":{"y":2}} ~ yes
        {"$or":[{"m":[1]},{"t":[2],"$or":[{"i":[1]},{"j":[2]}]},{"k":[3]}]} ~ {"m":1} ~ yes
        {"$or":[{"m":[1]},{"t":[2],"$or":[{"i":[1]},{"j":[2]}]},{"k":[3]}]} ~ {"t":2} ~ no
        {"$or":[{"m":[1]},{"t":[2],"$or":[{"i":[1]},{"j":[2]}]},{"k":[3]}]} ~ {"t":2,"j":2} ~ yes
        {"$or":[{"m":[1]},{"t":[2],"$or":[{"i":[1]},{"j":[2]}]},{"k":[3]}]} ~ {"j":2} ~ no
        {"$or":[{"a":[{"exists":false}]},{"b":[1]}]} ~ {} ~ yes
        {"$or":[{"a":[{"exists":false}]},{"b":[1]}]} ~ {"a":1} ~ no
        {"$or":[{"a":[{"exists":false}]},{"b":[1]}]} ~ {"a":1,"b":1} ~ yes
        {"d":{"a":[1],"$or":[{"b":[2]},{"c":[3]}]}} ~ {"d":[{"a":1},{"b":2}]} ~ no
        {"d":{"a":[1],"$or":[{"b":[2]},{"c":[3]}]}} ~ {"d":[{"a":1,"c":3}]} ~ yes
        {"d":{"a":[1]},"$or":[{"d":{"b":[2]}},{"x":[1]}]} ~ {"d":[{"a":1},{"b":2}]} ~ no
        {"d":{"a":[1]},"$or":[{"d":{"b":[2]}},{"x":[1]}]} ~ {"d":[{"a":1,"b":2}]} ~ yes
        {"d":{"a":[1]},"$or":[{"d":{"b":[2]}},{"x":[1]}]} ~ {"d":[{"a":1}],"x":1} ~ yes
        """#)

    // JsonRuleCompiler: a path that a branch repeats has its later list. A path may be tested both
    // as a value and as an object; a list can satisfy both.
    private static let overlaps = patterns(
        "paths that $or repeats",
        #"""
        {"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]} ~ {"a":"2"} ~ yes
        {"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]} ~ {"a":"1"} ~ no
        {"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]} ~ {"a":"1","b":"3"} ~ yes
        {"$or":[{"a":["2"]},{"b":["3"]}],"a":["1"]} ~ {"a":"2"} ~ no
        {"$or":[{"a":["2"]},{"b":["3"]}],"a":["1"]} ~ {"a":"1"} ~ yes
        {"a":[1],"$or":[{"a":{"b":[2]}},{"c":[3]}]} ~ {"a":[1,{"b":2}]} ~ yes
        {"a":[1],"$or":[{"a":{"b":[2]}},{"c":[3]}]} ~ {"a":1} ~ no
        {"a":[1],"$or":[{"a":{"b":[2]}},{"c":[3]}]} ~ {"a":{"b":2}} ~ no
        {"a":[1],"$or":[{"a":{"b":[2]}},{"c":[3]}]} ~ {"a":1,"c":3} ~ yes
        """#)

    // README, "The backward compatibility of using $or as filed name in the rule".
    private static let fieldsNamedOr = patterns(
        "fields named $or",
        #"""
        {"$or":["x","y"]} ~ {"$or":"y"} ~ yes
        {"$or":["x","y"]} ~ {"$or":"z"} ~ no
        {"$or":["x","y"]} ~ {"x":"y"} ~ no
        {"$or":[null]} ~ {"$or":null} ~ yes
        {"$or":{"a":["x"]}} ~ {"$or":{"a":"x"}} ~ yes
        {"$or":{"a":["x"]}} ~ {"a":"x"} ~ no
        {"$or":[{"exists":true}]} ~ {"$or":1} ~ yes
        {"$or":[{"exists":true}]} ~ {} ~ no
        {"$or":[{"prefix":"a"},{"prefix":"b"}]} ~ {"$or":"bc"} ~ yes
        {"$or":[{"prefix":"a"},{"prefix":"b"}]} ~ {"$or":"c"} ~ no
        {"$or":[{"anything-but":"a"},"a"]} ~ {"$or":"a"} ~ yes
        {"$or":[{"cidr":"10.0.0.0/8"},{"wildcard":"x*"}]} ~ {"$or":"10.1.1.1"} ~ yes
        {"$or":[{"numeric":[">",1]},{"numeric":["<",0]}]} ~ {"$or":2} ~ yes
        {"a":["1"],"$or":[{"numeric":[">",1]}]} ~ {"a":"1","$or":2} ~ yes
        {"a":["1"],"$or":[{"numeric":[">",1]}]} ~ {"a":"1","$or":1} ~ no
        {"d":{"$or":[{"suffix":"x"},{"suffix":"y"}]}} ~ {"d":{"$or":"ay"}} ~ yes
        {"$or":[{"a":["x"]},{"b":["y"]}]} ~ {"$or":"x"} ~ no
        """#)
}
