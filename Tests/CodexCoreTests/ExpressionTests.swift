import CodexCore
import Testing

@Suite("Conditions, updates and projections")
struct ExpressionTests {
    let item: Item = [
        "s": "hello", "n": 5, "b": .binary([1, 2, 3]), "t": true, "null": .null,
        "ss": .stringSet(["a", "b"]), "ns": .numberSet([1, 2]),
        "l": ["x", 1, ["k": "v"]], "m": ["a": ["b": 7], "c": [1, 2, 3]], "u": "é𝄞",
    ]

    func holds(_ condition: Condition) throws -> Bool {
        try condition.validate()
        return condition.evaluate(item)
    }

    @Test("Comparing across types is false, but for <>; so is comparing what is missing")
    func comparisons() throws {
        let s = Attribute<String>("s")
        let n = Attribute<Int>("n")
        #expect(try holds(s == "hello"))
        #expect(try !holds(s == "Hello"))
        #expect(try holds(n > 4 && n >= 5 && n <= 5 && n < 6 && n != 6))
        #expect(try !holds(Attribute<Int>("s") < 10))
        #expect(try !holds(Attribute<Int>("s") >= 10))
        #expect(try holds(Attribute<Int>("s") != 10))
        #expect(try !holds(Attribute<Int>("missing") == 1))
        #expect(try !holds(Attribute<Int>("missing") < 1))
        #expect(try holds(Attribute<Int>("missing") != 1))
        #expect(try !holds(.compare(.path("t"), .less, .path("s"))))
        #expect(try holds(n.isBetween(5, and: 5)))
        #expect(try holds(s.isBetween("hello", and: "hello")))
        #expect(try !holds(n.isBetween(6, and: 9)))
        #expect(try holds(n.isOne(of: [1, 5])))
        #expect(try !holds(n.isOne(of: [1, 2])))
        #expect(try holds(!(n == 4) || s == "no"))
    }

    @Test("contains finds parts as a search step by step does")
    func parts() throws {
        for _ in 0..<2000 {
            func text(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...1) } }
            let (whole, part) = (text(Int.random(in: 0...12)), text(Int.random(in: 0...5)))
            let expected =
                part.count <= whole.count
                && (0...(whole.count - part.count)).contains { whole[$0...].starts(with: part) }
            let condition = Condition.contains(
                .value(.binary(whole)), .value(.binary(part)))
            #expect(condition.evaluate([:]) == expected, "\(part) in \(whole)")
        }
    }

    @Test("Functions")
    func functions() throws {
        #expect(try holds(Attribute<String>("s").begins(with: "hel")))
        #expect(try !holds(Attribute<String>("n").begins(with: "5")))
        #expect(try holds(.beginsWith(.path("b"), .value(.binary([1, 2])))))
        #expect(try holds(Attribute<String>("s").contains("ell")))
        #expect(try holds(Attribute<String>("s").contains("")))
        #expect(try holds(Attribute<String>("ss").contains("a")))
        #expect(try !holds(Attribute<String>("ss").contains("ab")))
        #expect(try holds(Attribute<Int>("ns").contains(2)))
        #expect(try holds(Attribute<String>("l").contains(1)))
        #expect(try !holds(Attribute<String>("n").contains(5)))
        #expect(try holds(Attribute<String>("s").exists && !Attribute<String>("s").doesNotExist))
        #expect(try holds(.attributeExists(DocumentPath(parsing: "m.a.b"))))
        #expect(try holds(.attributeNotExists(DocumentPath(parsing: "l[3]"))))
        #expect(try holds(Attribute<String>("null").isOfType(.null)))
        for (path, size) in [("s", 5), ("b", 3), ("ss", 2), ("l", 3), ("m", 2), ("u", 3)] {
            #expect(try holds(Attribute<String>(path).size(.equal, size)), "size of \(path)")
        }
        #expect(try !holds(Attribute<String>("n").size(.equal, 1)))
    }

    @Test(
        "What DynamoDB refuses before reading is refused",
        arguments: [
            Condition.compare(.path("n"), .less, .value(true)),
            .compare(.path("n"), .greater, .value(.list([]))),
            .between(.path("n"), low: .value(1), high: .value("a")),
            .between(.path("n"), low: .value(2), high: .value(1)),
            .isIn(.path("n"), []),
            .isIn(.path("n"), Array(repeating: .value(1), count: 101)),
            .beginsWith(.path("s"), .value(1)),
            .compare(.path("s"), .equal, .path("s")),
            .not(.and(.attributeExists("s"), .isIn(.path("n"), []))),
        ])
    func invalid(condition: Condition) {
        #expect(throws: CodexError(.invalidExpression, "")) { try condition.validate() }
    }

    @Test("IN takes 99, 100 and not 101 operands")
    func inLimit() throws {
        for count in [99, 100] {
            try Condition.isIn(.path("n"), Array(repeating: .value(1), count: count)).validate()
        }
        #expect(throws: CodexError.self) {
            try Condition.isIn(.path("n"), Array(repeating: .value(1), count: 101)).validate()
        }
    }

    func update(_ clauses: Update.Clause...) throws -> Item {
        let update = Update(clauses)
        try update.validate()
        return try update.apply(to: item)
    }

    @Test("Every operand reads the item as it was")
    func updateReadsOld() throws {
        let result = try update(
            .set("n", .sum(.path("n"), .value(1))), .set("copy", .operand(.path("n"))),
            .remove("s"), .set("t2", .operand(.ifNotExists("s", .value("gone")))))
        #expect(result["n"] == 6)
        #expect(result["copy"] == 5)
        #expect(result["s"] == nil)
        #expect(result["t2"] == "hello")
    }

    @Test("Lists: set replaces, appends past the end in order; remove means the old indexes")
    func lists() throws {
        let c = DocumentPath("m")["c"]
        let appended = try update(
            .set(c[9], .operand(.value("z"))), .set(c[7], .operand(.value("y"))),
            .set(c[0], .operand(.value("x"))))
        #expect(appended[path: c] == ["x", 2, 3, "y", "z"])
        let removed = try update(.remove(c[0]), .remove(c[2]))
        #expect(removed[path: c] == [2])
        let mixed = try update(.remove(c[0]), .remove("s"), .remove(c[1]))
        #expect(mixed[path: c] == [3])
        let kept = try update(.set(c[9], .operand(.value("x"))), .remove(c[3]))
        #expect(kept[path: c] == [1, 2, 3, "x"])
        let joined = try update(.set(c, .operand(.listAppend(.value([0]), .path(c)))))
        #expect(joined[path: c] == [0, 1, 2, 3])
        #expect(try update(.remove(c[10])) == item)
    }

    @Test("ADD and DELETE")
    func addAndDelete() throws {
        let result = try update(
            .add("n", -6), .add("new", 3), .add("ss", .stringSet(["b", "c"])),
            .delete("ns", .numberSet([1, 2])), .delete("nothing", .stringSet(["x"])))
        #expect(result["n"] == -1)
        #expect(result["new"] == 3)
        #expect(result["ss"] == .stringSet(["a", "b", "c"]))
        #expect(result["ns"] == nil)
        #expect(result["nothing"] == nil)
        #expect(throws: CodexError(.invalidExpression, "")) { try update(.add("s", 1)) }
        #expect(throws: CodexError(.invalidExpression, "")) {
            try update(.delete("ss", .numberSet([1])))
        }
    }

    @Test("Overlapping and conflicting paths, missing parents and operands are refused")
    func invalidUpdates() throws {
        let m = DocumentPath("m")
        for clauses in [
            [Update.Clause.remove(m), .set(m["a"], .operand(.value(1)))],
            [.remove("s"), .remove("s")], [.remove(m[0]), .remove(m["a"])], [],
            [.add("x", "text")], [.delete("x", 1)], [.set("x", .sum(.value("a"), .value(1)))],
        ] {
            #expect(throws: CodexError(.invalidExpression, "")) { try Update(clauses).validate() }
        }
        #expect(throws: CodexError(.invalidPath, "")) {
            try update(.set(DocumentPath("missing")["x"], .operand(.value(1))))
        }
        #expect(throws: CodexError(.invalidPath, "")) {
            try update(.set(DocumentPath("s")["x"], .operand(.value(1))))
        }
        #expect(throws: CodexError(.invalidExpression, "")) {
            try update(.set("x", .operand(.path("missing"))))
        }
        #expect(throws: CodexError(.invalidExpression, "")) {
            try update(.set("x", .sum(.path("s"), .value(1))))
        }
    }

    @Test("Projections keep the shape of maps and the order of lists")
    func projections() throws {
        let projection = try Projection([
            "s", DocumentPath("m")["a"], DocumentPath("l")[2]["k"], DocumentPath("l")[0], "missing",
        ])
        #expect(
            projection.apply(to: item) == [
                "s": "hello", "m": ["a": ["b": 7]], "l": ["x", ["k": "v"]],
            ])
        #expect(throws: CodexError(.invalidExpression, "")) {
            try Projection(["m", DocumentPath("m")["a"]])
        }
        #expect(throws: CodexError(.invalidExpression, "")) { try Projection([]) }
    }

    @Test("Paths are parsed and printed")
    func paths() throws {
        for text in ["a", "a.b", "a[0]", "a[0][1].b", "a.b[2].c"] {
            #expect(try DocumentPath(parsing: text).description == text)
        }
        for text in ["", ".", "a.", ".a", "a[", "a[]", "a[-1]", "a[x]", "[0]", "a]"] {
            #expect(throws: CodexError(.invalidPath, "")) { try DocumentPath(parsing: text) }
        }
    }
}
