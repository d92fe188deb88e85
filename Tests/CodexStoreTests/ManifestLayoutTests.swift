import CodexCore
import CodexIndex
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// The layouts of indexes in a manifest: how they change, what is stored, and what is refused.
@Suite("Layouts in manifests")
struct ManifestLayoutTests {
    private typealias Object = [String: Any]
    private typealias Retired = Manifest.Retired

    private static let table = "samples"
    /// The index that changes its layout.
    private static let name = "byGroup"

    private static func index(
        _ projection: IndexProjection = .all, isUnique: Bool = false, layout: IndexLayout? = nil
    ) -> IndexDefinition {
        IndexDefinition(
            name, partitionKey: [KeyAttribute("group")], projection: projection,
            isUnique: isUnique, layout: layout)
    }

    /// A manifest with the index as formats before 5 stored it, and with one of keys only.
    private func manifest(_ index: IndexDefinition) throws -> Manifest {
        let keys = IndexDefinition(
            "keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly)
        var manifest = Manifest(schema: SampleTable.schema(indexes: [index, keys]))
        manifest.tables[Self.table]?.layouts = nil
        #expect(manifest.tables[Self.table]?.indexes == [Self.name: 1, "keys": 2])
        return manifest
    }

    private func table(of manifest: Manifest) throws -> Manifest.Table {
        try #require(manifest.tables[Self.table])
    }

    /// Checks that a table is read as it is written.
    private func expectStored(_ table: Manifest.Table, _ manifest: Manifest) throws {
        var written = manifest
        written.tables[Self.table] = table
        let read = try self.table(of: try Manifest(json: try written.json()))
        #expect(read.indexes == table.indexes && read.states == table.states)
        #expect(read.layouts == table.layouts && read.relayouts == table.relayouts)
        #expect(read.retired == table.retired && read.unproven == table.unproven)
    }

    // MARK: Layouts

    @Test("An index without a layout has copies, and one of keys only refers")
    func withoutLayout() throws {
        for projection in [IndexProjection.keysOnly, .include(["value"]), .all] {
            let index = Self.index(projection)
            let manifest = try manifest(index)
            var table = try table(of: manifest)
            #expect(table.layout(of: index) == (projection == .keysOnly ? .references : .copies))
            #expect(table.namedLayout(of: index) == nil)
            try expectStored(table, manifest)
            guard projection != .keysOnly else {
                for layout in IndexLayout.allCases {
                    let obsolete = table.changeLayout(of: index, to: layout)
                    #expect(obsolete == nil && table.relayouts == nil && table.layouts == nil)
                }
                continue
            }
            table.setLayout(.references, "i1")
            #expect(table.layout(of: index) == .references)
            #expect(table.namedLayout(of: index) == .references)
            try expectStored(table, manifest)
            table.setLayout(nil, "i1")
            #expect(table.layouts == nil && table.layout(of: index) == .copies)
        }
    }

    @Test("Only included attributes that are copied have chunks of their own")
    func chunks() {
        for projection in [IndexProjection.keysOnly, .include(["value"]), .all] {
            for layout in IndexLayout.allCases {
                let isOwner = projection == .include(["value"]) && layout == .copies
                #expect(Self.index(projection).ownsChunks(layout) == isOwner)
            }
        }
    }

    // MARK: Changes

    /// An index before a change of its layout.
    private struct Start {
        var projection: IndexProjection
        var layout: IndexLayout
        var state: Manifest.BuildState?
        var isUnproven: Bool

        /// The layout that it gets.
        var other: IndexLayout { layout == .copies ? .references : .copies }
        var index: IndexDefinition { ManifestLayoutTests.index(projection, isUnique: true) }

        /// A tree of the index that must be emptied.
        func retired(_ part: String, _ layout: IndexLayout) -> Retired {
            Retired(part: part, ownsChunks: projection != .all && layout == .copies)
        }
    }

    private static func starts(_ states: [Manifest.BuildState?]) -> [Start] {
        var starts: [Start] = []
        for projection in [IndexProjection.include(["value"]), .all] {
            for layout in IndexLayout.allCases {
                for state in states {
                    for isUnproven in [false, true] where state != nil || !isUnproven {
                        starts.append(
                            Start(
                                projection: projection, layout: layout, state: state,
                                isUnproven: isUnproven))
                    }
                }
            }
        }
        return starts
    }

    private func manifest(_ start: Start) throws -> Manifest {
        var manifest = try manifest(start.index)
        var table = try table(of: manifest)
        // Copies are those of a former format.
        if start.layout == .references { table.setLayout(.references, "i1") }
        table.setState(start.state, "i1")
        if start.isUnproven { table.unproven = ["i1"] }
        manifest.tables[Self.table] = table
        return manifest
    }

    @Test("An index that answers gets a second tree, and answers until that is complete")
    func ready() throws {
        for start in Self.starts([nil, .conflicting]) {
            let index = start.index
            var manifest = try manifest(start)
            var table = try table(of: manifest)
            var obsolete = table.changeLayout(of: index, to: start.other)
            #expect(obsolete == [], "\(start)")
            #expect(table.indexes[Self.name] == 1)
            let relayout = Manifest.Relayout(number: 3, layout: start.other)
            #expect(table.relayouts == [Self.name: relayout])
            #expect(table.state("i1") == start.state && table.state("i3") == .building)
            #expect(table.layout(of: index) == start.layout)
            #expect(table.namedLayout(of: index) == start.other)
            #expect(table.parts == ["i1", "i2", "i3"] && table.retired == nil)
            #expect(table.unbuiltIndexes == (start.state == nil ? [] : [Self.name]))
            obsolete = table.changeLayout(of: index, to: start.other)
            #expect(obsolete == nil)
            try expectStored(table, manifest)

            for part in ["i1", "i2", "i4"] {
                obsolete = table.endRelayout(of: index, by: part)
                #expect(obsolete == nil)
            }
            obsolete = table.endRelayout(of: index, by: "i3")
            #expect(obsolete == ["i1", "i3"])
            #expect(table.indexes[Self.name] == 3 && table.relayouts == nil)
            #expect(table.layouts == ["i3": start.other])
            #expect(table.state("i1") == nil && table.state("i3") == start.state, "\(start)")
            #expect(table.unproven == (start.isUnproven ? ["i3"] : nil), "\(start)")
            #expect(table.retired == [start.retired("i1", start.layout)], "\(start)")
            obsolete = table.endRelayout(of: index, by: "i3")
            #expect(obsolete == nil)
            try expectStored(table, manifest)
            manifest.tables[Self.table] = table
            #expect(manifest.unbuiltIndexes.isEmpty == (start.state == nil))
        }
    }

    @Test("An index that has the layout changes nothing, and keeps former copies by name")
    func given() throws {
        for start in Self.starts([nil, .building, .loading, .conflicting]) {
            let manifest = try manifest(start)
            var table = try table(of: manifest)
            let obsolete = table.changeLayout(of: start.index, to: start.layout)
            #expect(obsolete == (start.layout == .copies ? [] : nil), "\(start)")
            #expect(table.indexes[Self.name] == 1 && table.relayouts == nil)
            #expect(table.layouts == ["i1": start.layout] && table.state("i1") == start.state)
            let again = table.changeLayout(of: start.index, to: start.layout)
            #expect(again == nil)
            try expectStored(table, manifest)
        }
    }

    @Test("The new tree waits for the old one if that is being built again or loaded")
    func retried() throws {
        for start in Self.starts([.conflicting]) {
            for state in [Manifest.BuildState.building, .loading] {
                for found in [nil, Manifest.BuildState.conflicting] {
                    var table = try table(of: try manifest(start))
                    _ = table.changeLayout(of: start.index, to: start.other)
                    table.setState(state, "i1")
                    let early = table.endRelayout(of: start.index, by: "i3")
                    #expect(early == nil && table.indexes[Self.name] == 1)
                    #expect(table.state("i3") == .building && table.relayouts != nil)
                    table.setState(found, "i1")
                    let obsolete = table.endRelayout(of: start.index, by: "i3")
                    #expect(obsolete == ["i1", "i3"] && table.state("i3") == found)
                    let isUnproven = found != nil && start.isUnproven
                    #expect(table.unproven == (isUnproven ? ["i3"] : nil))
                }
            }
        }
    }

    @Test("A change back ends the change, and the new tree is emptied")
    func cancelled() throws {
        for start in Self.starts([nil, .conflicting]) {
            let index = start.index
            let manifest = try manifest(start)
            var table = try table(of: manifest)
            _ = table.changeLayout(of: index, to: start.other)
            let obsolete = table.changeLayout(of: index, to: start.layout)
            #expect(obsolete == ["i3"])
            #expect(table.indexes[Self.name] == 1 && table.relayouts == nil)
            #expect(table.layouts == ["i1": start.layout])
            #expect(table.state("i1") == start.state && table.state("i3") == nil)
            #expect(table.unproven == (start.isUnproven ? ["i1"] : nil))
            #expect(table.retired == [start.retired("i3", start.other)])
            let late = table.endRelayout(of: index, by: "i3")
            #expect(late == nil)
            try expectStored(table, manifest)
            // The number is free once the tree is empty.
            _ = table.changeLayout(of: index, to: start.other)
            #expect(table.relayouts?[Self.name]?.number == 4)
            for tree in table.retired ?? [] { table.forget(tree) }
            #expect(table.freeNumber(.index) == 3)
            try expectStored(table, manifest)
        }
    }

    @Test("An index that is being built is built in the other layout from the start")
    func building() throws {
        for start in Self.starts([.building]) {
            var manifest = try manifest(start)
            var table = try table(of: manifest)
            // A unique index that is not unproven may be in force.
            let index = start.isUnproven ? start.index : Self.index(start.projection)
            let obsolete = table.changeLayout(of: index, to: start.other)
            #expect(obsolete == ["i1"])
            #expect(table.indexes[Self.name] == 3 && table.relayouts == nil)
            #expect(table.layouts == ["i3": start.other])
            #expect(table.state("i1") == nil && table.state("i3") == .building)
            #expect(table.unproven == (start.isUnproven ? ["i3"] : nil))
            #expect(table.retired == [start.retired("i1", start.layout)])
            try expectStored(table, manifest)
            manifest.tables[Self.table] = table
            #expect(manifest.unbuiltIndexes == [Self.table: [Self.name]])
        }
    }

    @Test("A unique index in force keeps its tree while its keys are checked again")
    func checkedAgain() throws {
        for start in Self.starts([.building]) where !start.isUnproven {
            let manifest = try manifest(start)
            var table = try table(of: manifest)
            let given = table.changeLayout(of: start.index, to: start.other)
            #expect(given == [] && table.indexes[Self.name] == 1 && table.retired == nil)
            let relayout = Manifest.Relayout(number: 3, layout: start.other)
            #expect(table.relayouts == [Self.name: relayout])
            #expect(table.state("i1") == .building && table.state("i3") == .building)
            try expectStored(table, manifest)
            let early = table.endRelayout(of: start.index, by: "i3")
            #expect(early == nil)
            table.setState(.conflicting, "i1")
            let obsolete = table.endRelayout(of: start.index, by: "i3")
            #expect(obsolete == ["i1", "i3"] && table.state("i3") == .conflicting)
            #expect(table.unproven == nil && table.retired == [start.retired("i1", start.layout)])
        }
    }

    @Test("An index without entries, which a load does not maintain, changes at once")
    func loading() throws {
        for start in Self.starts([.loading]) {
            let manifest = try manifest(start)
            var table = try table(of: manifest)
            let obsolete = table.changeLayout(of: start.index, to: start.other)
            #expect(obsolete == [])
            #expect(table.indexes[Self.name] == 1 && table.relayouts == nil)
            #expect(table.layouts == ["i1": start.other] && table.retired == nil)
            #expect(table.state("i1") == .loading)
            #expect(table.unproven == (start.isUnproven ? ["i1"] : nil))
            try expectStored(table, manifest)
        }
    }

    // MARK: Removals

    @Test("An index or table that is removed during the change takes both trees with it")
    func removed() throws {
        for start in Self.starts([nil]) {
            var manifest = try manifest(start)
            _ = manifest.tables[Self.table]?.changeLayout(of: start.index, to: start.other)
            let trees = [start.retired("i1", start.layout), start.retired("i3", start.other)]
            let progress = ["i1", "i3"].map { BuildProgress.key(table: 1, $0) }

            var without = manifest
            try without.remove(.index, Self.name, of: Self.table)
            let rest = try table(of: without)
            #expect(rest.indexes == ["keys": 2] && rest.relayouts == nil && rest.layouts == nil)
            #expect(rest.states?.isEmpty == true && rest.retired == trees)
            #expect(Set(without.sideEffects.obsoleteKeys).isSuperset(of: progress))
            try expectStored(rest, without)
            #expect(throws: CodexError(.unknownIndex, "")) {
                try without.remove(.index, Self.name, of: Self.table)
            }

            var dropped = manifest
            try dropped.drop(Self.table, at: 1)
            let last = try #require(dropped.dropped?.last)
            let keys = Retired(part: "i2", ownsChunks: false)
            #expect(last.trees == trees + [keys, Retired(part: "", ownsChunks: true)])
            #expect(Set(dropped.sideEffects.obsoleteKeys).isSuperset(of: progress))
        }
    }

    @Test("A follower that replaces its leader builds an index in the layout that it got last")
    func promoted() throws {
        for start in Self.starts([nil]) {
            for isChanging in [false, true] {
                var manifest = try manifest(start)
                if isChanging {
                    _ = manifest.tables[Self.table]?.changeLayout(of: start.index, to: start.other)
                }
                let before = try table(of: manifest)
                manifest.unbuiltByLeader = [Self.table: [Self.name, "keys"]]
                manifest.endFollowing()
                let built = try table(of: manifest)
                let layout = isChanging ? start.other : start.layout
                #expect(built.layout(of: start.index) == layout, "\(start)")
                #expect(built.namedLayout(of: start.index) == before.namedLayout(of: start.index))
                #expect(built.relayouts == nil)
                #expect(built.unbuiltIndexes == [Self.name, "keys"])
                let count = isChanging ? 3 : 2
                #expect(built.indexes == [Self.name: count + 1, "keys": count + 2])
                #expect(built.retired?.count == count)
                try expectStored(built, manifest)
            }
        }
    }

    // MARK: Limits and damage

    @Test("The second tree of an index counts as a tree")
    func treeCount() throws {
        for excess in -1...1 {
            var manifest = try manifest(Self.index())
            _ = manifest.tables[Self.table]?.changeLayout(of: Self.index(), to: .references)
            // There are also the table's own tree, those of its two indexes, and the second one.
            let count = StoreLimits.treeCountMax - 4 + excess
            manifest.tables[Self.table]?.retired = (0..<count).map {
                Retired(part: "i\(10 + $0)", ownsChunks: false)
            }
            if excess > 0 {
                #expect(throws: CodexError(.limitReached, "")) {
                    try manifest.numbers.requireTreeCount()
                }
            } else {
                try manifest.numbers.requireTreeCount()
            }
        }
    }

    @Test("A change without a tree left is refused, and a change back needs none")
    func lastTree() throws {
        for excess in -1...1 {
            var manifest = try manifest(Self.index())
            // There are also the table's own tree, those of its two indexes, and the second one.
            let count = ManifestNumbers.layoutTreeCountMax - 4 + excess
            manifest.tables[Self.table]?.retired = (0..<count).map {
                Retired(part: "i\(10 + $0)", ownsChunks: false)
            }
            guard excess <= 0 else {
                #expect(throws: CodexError(.limitReached, "")) {
                    try manifest.changeLayout(
                        ofIndex: Self.name, in: Self.table, to: .references)
                }
                continue
            }
            for layout in [IndexLayout.references, .copies] {
                let isChanged = try manifest.changeLayout(
                    ofIndex: Self.name, in: Self.table, to: layout)
                #expect(isChanged)
            }
        }
    }

    @Test("While layouts change beyond the limit of trees, a schema may add what needs no tree")
    func additions() throws {
        let index = Self.index()
        var manifest = try manifest(index)
        _ = manifest.tables[Self.table]?.changeLayout(of: index, to: .references)
        manifest.tables[Self.table]?.retired = (0..<StoreLimits.treeCountMax).map {
            Retired(part: "i\(10 + $0)", ownsChunks: false)
        }
        let note = EntityDefinition("note", table: Self.table, keys: ["partition": "NOTE#{id}"])
        let isMerged = try manifest.merge(
            Schema(tables: manifest.schema.tables, entities: [note]))
        #expect(isMerged && manifest.entities["note"] == 1)
        let more = IndexDefinition("more", partitionKey: [KeyAttribute("unique")])
        let added = SampleTable.definition(indexes: manifest.schema.tables[0].indexes + [more])
        #expect(throws: CodexError(.limitReached, "")) {
            try manifest.merge(Schema(tables: [added]))
        }
    }

    @Test("Former indexes change as many at a time as there is room for", arguments: 0...6)
    func formerAtTheLimit(room: Int) throws {
        let indexes = (0..<5).map {
            IndexDefinition("i\($0)", partitionKey: [KeyAttribute("group")])
        }
        var manifest = Manifest(schema: SampleTable.schema(indexes: indexes))
        manifest.tables[Self.table]?.layouts = nil
        // There are also the table's own tree, and those of its indexes.
        let others = (0..<(ManifestNumbers.layoutTreeCountMax - 6 - room)).map {
            Retired(part: "i\(10 + $0)", ownsChunks: false)
        }
        manifest.tables[Self.table]?.retired = others
        guard room > 0 else {
            #expect(throws: CodexError(.limitReached, "")) {
                try manifest.changeFormerLayouts()
            }
            #expect(manifest.tables[Self.table]?.relayouts == nil)
            return
        }
        var counts: [Int] = []
        repeat {
            counts.append(try manifest.changeFormerLayouts())
            for index in indexes {
                let number = manifest.tables[Self.table]?.relayouts?[index.name]?.number
                guard let number else { continue }
                _ = manifest.tables[Self.table]?.endRelayout(
                    of: index, by: PartKind.index.part(number))
            }
            manifest.tables[Self.table]?.retired = others
        } while counts.last != 0 && counts.count < 10
        #expect(counts.allSatisfy { $0 <= room } && counts.reduce(0, +) == 5)
        #expect(counts.count == (5 + room - 1) / room + 1)
        let table = try table(of: manifest)
        #expect(indexes.allSatisfy { table.layout(of: $0) == .references })
    }

    @Test("Former indexes get the layouts of new ones, once")
    func former() throws {
        for projection in [IndexProjection.keysOnly, .include(["value"]), .all] {
            let index = Self.index(projection)
            var manifest = try manifest(index)
            let count = try manifest.changeFormerLayouts()
            #expect(count == (projection == .all ? 1 : 0))
            let named = try table(of: manifest).namedLayout(of: index)
            #expect(named == (projection == .all ? .references : nil))
            let again = try manifest.changeFormerLayouts()
            #expect(again == 0)
        }
    }

    /// Reads a manifest whose table has a member of another value.
    private func read(_ member: String, _ value: Any) throws {
        let json = try manifest(Self.index()).json()
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(json)) as? Object)
        var tables = object["tables"] as? Object ?? [:]
        var table = tables[Self.table] as? Object ?? [:]
        table[member] = value
        tables[Self.table] = table
        object["tables"] = tables
        _ = try Manifest(json: Array(try JSONSerialization.data(withJSONObject: object)))
    }

    private func expectRead(_ member: String, _ value: Object, _ fits: Bool) {
        if fits {
            #expect(throws: Never.self, "\(member) \(value)") { try read(member, value) }
        } else {
            #expect(throws: CodexError(.corrupted, ""), "\(member) \(value)") {
                try read(member, value)
            }
        }
    }

    @Test("Layouts are of parts of indexes that are not of keys only")
    func damagedLayouts() {
        for (layouts, fits) in [
            ([:], true), (["i1": "copies"], true), (["i1": "references"], true),
            (["i1": "rows"], false), (["i2": "references"], false), (["i3": "copies"], false),
            (["c1": "copies"], false), (["": "copies"], false),
        ] as [([String: String], Bool)] {
            expectRead("layouts", layouts, fits)
        }
    }

    @Test("A second tree is of an index, has its own number, and the other layout")
    func damagedRelayouts() {
        let largest = ManifestNumbers.max
        for (name, number, layout, fits) in [
            ("byGroup", 3, "references", true), ("byGroup", largest, "references", true),
            ("byGroup", largest + 1, "references", false), ("byGroup", 0, "references", false),
            ("byGroup", 1, "references", false), ("byGroup", 2, "references", false),
            ("byGroup", 3, "copies", false), ("byGroup", 3, "rows", false),
            ("keys", 3, "copies", false), ("keys", 3, "references", false),
            ("other", 3, "references", false),
        ] as [(String, Int, String, Bool)] {
            let relayout: Object = ["number": number, "layout": layout]
            expectRead("relayouts", [name: relayout], fits)
        }
        expectRead("relayouts", [:], true)
        expectRead("relayouts", ["byGroup": ["number": 3]], false)
    }

    // MARK: The catalog

    /// A store that builds on demand, with one item, whose index is given references.
    private func changing(
        isUnique: Bool = false, timeToLive: String? = nil
    ) async throws -> TemporaryStore {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand()
        let index = Self.index(isUnique: isUnique, layout: .copies)
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [index], timeToLive: timeToLive), options: options)
        let table = Self.table
        try await temporary.store.put(["partition": "before", "group": "g"], in: table)
        try await temporary.store.changeManifest { manifest, _ throws(CodexError) in
            manifest.tables[table]?.changeLayout(of: index, to: .references) != nil
        }
        return temporary
    }

    @Test("Writes maintain both trees of an index, and queries read the one that answers")
    func maintained() async throws {
        let temporary = try await changing(timeToLive: "expires")
        let (store, name) = (temporary.store, Self.table)
        try await store.put(["partition": "after", "group": "g"], in: name)
        try store.core.withReadContext { context in
            let table = try context.catalog.table(name)
            #expect(table.indexes.map(\.part) == ["i1", "i2", "i3"])
            #expect(table.indexes.map(\.isReplacement) == [false, false, true])
            #expect(table.indexes.map(\.plan.layout) == [.copies, .references, .references])
            #expect(table.expiryIndex?.part == "i2" && table.isToBeBuilt)
            #expect(try table.index(Self.name).part == "i1")
            #expect(context.catalog.treeCount == 4)
            let counts = try table.indexes.map { try context.transaction.count($0.tree) }
            #expect(counts == [2, 0, 1])
        }
        let query = TableQuery(table: name, index: Self.name, partition: ["g"])
        #expect(try store.items(matching: query).items.count == 2)
        // A removal takes both trees, and the items stay.
        try await store.removeIndex(Self.name, from: name)
        while try store.build() == .more {}
        try store.core.withReadContext { context in
            let table = try context.catalog.table(name)
            #expect(table.indexes.map(\.part) == ["i2"] && table.retired.isEmpty)
        }
        let report = try store.verify()
        #expect(report.isSound && report.itemCount == 2, "\(report.differences.prefix(3))")
    }

    @Test("Of the two trees of a unique index, the one that answers refuses equal keys")
    func unique() async throws {
        let temporary = try await changing(isUnique: true)
        let (store, name) = (temporary.store, Self.table)
        try store.core.withReadContext { context in
            let table = try context.catalog.table(name)
            #expect(table.indexes.map(\.refusesEqualKeys) == [true, false])
        }
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(["partition": "b", "group": "g"], in: name)
        }
        try await store.put(["partition": "b", "group": "h"], in: name)
    }
}
