#if Macros
    import CodexCore
    import CodexStore
    import Foundation
    import Testing

    /// The mistakes of ``MistakesTests`` with entities of the macro: what does not compile, and
    /// what `fields` let through.
    @Suite("Mistakes with entities of the macro")
    struct MacroMistakesTests {
        private typealias Order = MacroOrders.Plain

        // MARK: Mistakes that do not compile

        /// The names of the mistakes that `OrderMistakeTests` shows to be reported.
        private static func expandedNames() throws -> [String] {
            let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent()
            let file = tests.appendingPathComponent("MacroExpansionTests/OrderMistakeTests.swift")
            let text = try String(contentsOf: file, encoding: .utf8)
            let examples = text.components(separatedBy: "Example(").dropFirst()
            return examples.compactMap { part -> String? in
                let argument = part.drop { $0.isWhitespace }
                guard argument.first == "\"" else { return nil }
                return String(argument.dropFirst().prefix { $0 != "\"" })
            }
        }

        @Test("The macro reports the mistakes in definitions that the table says do not compile")
        func expansions() throws {
            let names = Mistake.all.filter { mistake in
                if case .expansion? = mistake.proof { true } else { false }
            }.map(\.testDescription)
            #expect(try Self.expandedNames().sorted() == names.sorted())
        }

        // ExpansionTests.whole shows that the macro writes no other members of `fields`.
        @Test("The fields of an entity are its properties and no others")
        func fields() {
            let names = Mirror(reflecting: Order.fields).children.compactMap(\.label)
            #expect(names == Order.definition.fields.map(\.name))
            for mistake in Mistake.all {
                guard case .noField(let name)? = mistake.proof else { continue }
                #expect(!names.contains(name), "\(mistake.testDescription)")
            }
        }

        @Test("A field takes no value of another type")
        func values() {
            // The field of text shows that the other one could be found to take text.
            #expect(RefusedText.fields["region"] == false)
            for mistake in Mistake.all {
                guard case .noText(let name)? = mistake.proof else { continue }
                #expect(RefusedText.fields[name] == true, "\(mistake.testDescription)")
            }
        }

        @Test("The macro writes the definitions that are written by hand")
        func definitions() {
            for (variant, type) in MacroOrders.types {
                // By hand, the order says that its date is a number.
                if variant is OrderVariants.Dated.Type { continue }
                #expect(type.definition == variant.type(.byHand).definition, "\(variant)")
            }
        }

        // MARK: Mistakes that compile

        /// A mistake in a call that names all attributes by `fields`.
        struct Call: CustomTestStringConvertible, Sendable {
            let testDescription: String
            /// A word of the error's message.
            let word: String
            let attempt: @Sendable (Store) throws -> Void

            init(
                _ name: String, _ word: String,
                _ attempt: @escaping @Sendable (Store) throws -> Void
            ) {
                (testDescription, self.word, self.attempt) = (name, word, attempt)
            }
        }

        private static let site = Order.fields.siteID(OrderVariants.site)
        private static let byVisitor = IndexDefinition(
            "byVisitor", partitionKey: [KeyAttribute("visitor")], entities: ["visit"])

        static let calls = [
            Call("a lookup without an attribute", "number") { store in
                _ = try store.get(Lookup(site))
            },
            Call("a lookup with another attribute", "status") { store in
                let (number, status) = (Order.fields.number(7), Order.fields.status(.open))
                _ = try store.get(Lookup(site, number, status))
            },
            Call("a value that no key may have", "region") { store in
                _ = try store.all(Query<Order>("byRegion", Order.fields.region("a#b")))
            },
            Call("a query with another attribute", "status") { store in
                _ = try store.all(Query(site, Order.fields.status(.open)))
            },
            Call("a range of another field", "number comes next") { store in
                _ = try store.all(Query(site, sort: Order.fields.status.at(.open)))
            },
            Call("an index's name", "byRegion") { store in
                _ = try store.all(Query<Order>("byRegoin", Order.fields.region("north")))
            },
            Call("an index of another entity", "no items of entity order") { store in
                _ = try store.all(Query<Order>("byVisitor", Order.fields.region("north")))
            },
        ]

        @Test("What compiles is found by the call, as without fields", arguments: calls)
        func call(call: Call) throws {
            let table = Mistake.table([Mistake.byRegion, Self.byVisitor])
            let trial = try Trial()
            let store = try trial.open(table, [Order.self, Visit.self])
            let name = call.testDescription
            let mistake = try #require(Mistake.all.first { $0.testDescription == name })
            #expect(mistake.place(.byMacro) == .call)
            do {
                try call.attempt(store)
                Issue.record("accepted")
            } catch let error as CodexError {
                #expect(trial.place == .call)
                #expect(error.code == mistake.outcomes[.byMacro]?.code, "\(error.message)")
                #expect(error.message.contains(call.word), "\(error.message)")
            }
        }

        @Test("All typed calls that compile are tried with fields, but those that have none")
        func completeness() {
            let others = [
                "a UUID in capitals in a key by hand",
                "a number without padding in a key by hand",
                "a typed query's request in an untyped call",
            ]
            let names = Mistake.typedCalls.filter { $0.place(.byMacro) == .call }
                .map(\.testDescription)
            #expect(names.sorted() == (Self.calls.map(\.testDescription) + others).sorted())
        }
    }
#endif
