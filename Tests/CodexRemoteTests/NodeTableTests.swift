#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Which node a request goes to.
    @Suite("Choices of nodes")
    struct NodeTableTests {
        private static func node(_ number: Int) throws -> ServiceEndpoint {
            try ServiceEndpoint(parsing: "http://10.0.\(number / 256).\(number % 256):8000")
        }

        private static func nodes(_ numbers: some Sequence<Int>) throws -> [ServiceEndpoint] {
            try numbers.map { try node($0) }
        }

        private static func table(_ numbers: some Sequence<Int>) throws -> NodeTable {
            var table = NodeTable()
            table.replace(with: NodeTable.List(try nodes(numbers)))
            return table
        }

        private static let keys = (0..<1000).map { NodeTable.hash(Array("key \($0)".utf8)) }

        /// The node of each key.
        private static func places(_ table: NodeTable) -> [ServiceEndpoint?] {
            var table = table
            return keys.map { table.next(for: $0) }
        }

        private static func count(
            _ places: [ServiceEndpoint?], at node: ServiceEndpoint
        ) -> Int {
            places.count(where: { $0 == node })
        }

        // MARK: Turns

        @Test("Each node has its turn, in the order of the addresses", arguments: 1...5)
        func turns(count: Int) throws {
            var table = try Self.table((0..<count).reversed())
            let chosen = (0..<(3 * count)).map { _ in table.next() }
            for node in try Self.nodes(0..<count) { #expect(Self.count(chosen, at: node) == 3) }
            #expect(Array(chosen.prefix(count)) == Array(chosen.suffix(count)))
        }

        @Test("Without nodes, or without one that is left, there is none")
        func none() throws {
            var empty = NodeTable()
            let first = empty.next()
            #expect(first == nil)
            var table = try Self.table(0..<2)
            let nodes = try Self.nodes(0..<2)
            let rest = table.next(without: [nodes[0]])
            #expect(rest == nodes[1])
            let last = table.next(for: 7, without: Set(nodes))
            #expect(last == nil)
        }

        // MARK: Keys

        @Test("A key has the same node in each client, and each node has its share of the keys")
        func shares() throws {
            let nodes = try Self.nodes(0..<5)
            let places = Self.places(try Self.table(0..<5))
            #expect(places == Self.places(try Self.table((0..<5).reversed())))
            for node in nodes { #expect((140...260).contains(Self.count(places, at: node))) }
        }

        @Test("If a node leaves, only its keys move; if one joins, keys move only to it")
        func stability() throws {
            let all = Self.places(try Self.table(0..<6))
            for gone in 0..<6 {
                let node = try Self.node(gone)
                let rest = Self.places(try Self.table((0..<6).filter { $0 != gone }))
                for (before, after) in zip(all, rest) {
                    #expect(before == node ? after != node : after == before)
                }
            }
        }

        @Test("While a node is down, its keys alone are at other nodes, and they come back")
        func downKeys() throws {
            var table = try Self.table(0..<4)
            let node = try Self.node(2)
            let before = Self.places(table)
            table.note(.unreached, of: node, at: .zero)
            for (old, new) in zip(before, Self.places(table)) {
                #expect(old == node ? new != node : new == old)
            }
            table.note(.answered, of: node, at: .zero)
            #expect(Self.places(table) == before)
        }

        // MARK: Racks

        @Test("Turns are of the near nodes as long as one is left; keys are of all nodes")
        func near() throws {
            var table = try Self.table(0..<6)
            let all = Self.places(table)
            let nodes = try Self.nodes(0..<6)
            var list = NodeTable.List(nodes)
            list.near = Set(nodes[..<2])
            table.replace(with: list)
            #expect(Self.places(table) == all)
            let close = (0..<6).map { _ in table.next() }
            for node in nodes[..<2] { #expect(Self.count(close, at: node) == 3) }
            for node in nodes[..<2] { table.note(.unreached, of: node, at: .zero) }
            let far = (0..<8).map { _ in table.next() }
            for node in nodes[2...] { #expect(Self.count(far, at: node) == 2) }
            // What a request has tried is left out, too.
            table.note(.answered, of: nodes[0], at: .zero)
            let other = table.next(without: [nodes[0]])
            #expect(other.map { nodes[2...].contains($0) } == true)
        }

        // MARK: Nodes that do not answer

        @Test("A node that was not reached is passed over; if all are down, none is")
        func down() throws {
            var table = try Self.table(0..<2)
            let nodes = try Self.nodes(0..<2)
            table.note(.unreached, of: nodes[0], at: .zero)
            let chosen = (0..<4).map { _ in table.next() }
            #expect(Self.count(chosen, at: nodes[1]) == 4 && table.hasLiveNode)
            table.note(.unreached, of: nodes[1], at: .zero)
            #expect(!table.hasLiveNode)
            let either = (0..<4).map { _ in table.next() }
            for node in nodes { #expect(Self.count(either, at: node) == 2) }
        }

        @Test(
            "Missing answers make a node count as down at their limit, one after the other",
            arguments: (NodeTable.missingCountMax - 1)...(NodeTable.missingCountMax + 1))
        func missing(count: Int) throws {
            var table = try Self.table(0..<1)
            let node = try Self.node(0)
            for _ in 0..<count { table.note(.unanswered, of: node, at: .zero) }
            #expect(table.hasLiveNode == (count < NodeTable.missingCountMax))
            table.note(.answered, of: node, at: .zero)
            for _ in 1..<NodeTable.missingCountMax { table.note(.unanswered, of: node, at: .zero) }
            #expect(table.hasLiveNode)
        }

        @Test("Nodes that are down are tried again in turn, so many at once")
        func retries() throws {
            var table = try Self.table(0..<5)
            let down = try Self.nodes(0..<4)
            for node in down { table.note(.unreached, of: node, at: .zero) }
            let first = table.nodesToProbe(3, at: .seconds(1))
            let second = table.nodesToProbe(3, at: .seconds(2))
            #expect(first.count == 3 && second.count == 3)
            #expect(Set(first + second) == Set(down))
        }

        // MARK: Lists

        @Test("What is known of a node stays with it in the next list")
        func replacement() throws {
            var table = try Self.table(0..<3)
            let nodes = try Self.nodes([1, 4])
            table.note(.unreached, of: nodes[0], at: .zero)
            table.replace(with: NodeTable.List([nodes[1], nodes[0], nodes[0]]))
            #expect(table.endpoints == nodes)
            let chosen = (0..<4).map { _ in table.next() }
            #expect(Self.count(chosen, at: nodes[1]) == 4)
            // Of a node that left, nothing is kept.
            table.replace(with: NodeTable.List([nodes[1]]))
            table.replace(with: NodeTable.List([nodes[0]]))
            #expect(table.hasLiveNode)
        }

        @Test("A list is cut at its limit", arguments: -1...1)
        func limit(difference: Int) throws {
            let count = NodeTable.countMax + difference
            let table = try Self.table(0..<count)
            #expect(table.endpoints.count == min(count, NodeTable.countMax))
        }
    }
#endif
