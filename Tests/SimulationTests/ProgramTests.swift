import Foundation
import Testing

@testable import Simulation

/// The generator of programs.
@Suite("Simulated programs")
struct ProgramTests {
    @Test("The same seed gives the same program, and another seed another one")
    func seeds() {
        let program = ProgramGenerator.program(seed: 7)
        #expect(program == ProgramGenerator.program(seed: 7))
        #expect(program != ProgramGenerator.program(seed: 8))
        #expect((40...80).contains(program.commands.count))
        #expect(Set(program.commands.map(\.id)).count == program.commands.count)
    }

    @Test("The arguments of a program have all that its seed needs")
    func arguments() {
        let program = ProgramGenerator.program(seed: 9, processCount: 5, planted: "noFlush")
        #expect(
            program.arguments == "--seed 9 --histories 1 --processes 5 --planted noFlush")
        #expect(
            ProgramGenerator.program(seed: 9).arguments
                == "--seed 9 --histories 1 --processes 3")
    }

    @Test("A program survives JSON")
    func json() throws {
        let program = ProgramGenerator.program(seed: 9, planted: "noFlush")
        #expect(try Program(json: program.json) == program)
    }

    @Test("Programs have all commands and all kinds of faults")
    func coverage() {
        let programs = (1...200).map { ProgramGenerator.program(seed: UInt64($0)) }
        let commands = Set(programs.flatMap(\.commands).map(\.request.command))
        for command in [
            Request.Name.write, .writes, .read, .scan, .checkpoint, .removeExpired,
            .consume, .backup, .archive, .restore, .follow, .compact, .verify, .close,
            .changes, .addIndex, .removeIndex, .addCounter, .removeCounter, .addTimeToLive,
            .removeTimeToLive, .changeLayout, .buildStep, .hold, .heldRead, .letGo, .cachedRead,
            .pages, .observe, .observed, .endObservation,
        ] {
            #expect(commands.contains(command))
        }
        let faults = Set(programs.flatMap(\.faults).map(\.kind))
        #expect(faults == [.fail, .shorten, .die, .pause, .powerCut])
        #expect(programs.contains { $0.faults.isEmpty })
    }

    @Test("A list of actions names each item once, and times of a token are near each other")
    func writes() {
        for seed in 1...50 {
            for command in ProgramGenerator.program(seed: UInt64(seed)).commands {
                for write in command.writes {
                    let keys = (write.actions ?? []).map(\.key)
                    #expect(!keys.isEmpty && Set(keys).count == keys.count)
                }
                // A token is remembered for 600 seconds.
                let age = (command.request.now ?? 0) - ProgramGenerator.start
                #expect((0..<500).contains(age))
            }
        }
    }

    @Test("A group has two to four writes, and each write of a program has its own number")
    func groups() {
        for seed in 1...50 {
            let commands = ProgramGenerator.program(seed: UInt64(seed)).commands
            let ops = commands.flatMap(\.writes).compactMap(\.op)
            #expect(Set(ops).count == ops.count)
            for command in commands where command.request.command == .writes {
                #expect((2...4).contains(command.writes.count))
                #expect(command.writes[0].op == command.id)
            }
        }
    }

    @Test("Programs do to orders all that can be done, and lists need no Swift types")
    func orders() {
        let programs = (1...100).map { ProgramGenerator.program(seed: UInt64($0)) }
        let commands = programs.flatMap(\.commands)
        var kinds: Set<OrderAction.Kind> = []
        var (moveCount, staleCount) = (0, 0)
        for write in commands.flatMap(\.writes) {
            for order in (write.actions ?? []).compactMap(\.order) {
                kinds.insert(order.kind)
                if order.from != nil { moveCount += 1 }
                if order.version != nil { staleCount += 1 }
                #expect(write.token == nil || order.kind.isRaw)
                #expect(order.from != order.fields.number)
            }
        }
        #expect(kinds == Set(OrderAction.Kind.allCases))
        #expect(moveCount > 20 && staleCount > 20)
        #expect(commands.contains { $0.request.orders != nil })
        #expect(commands.contains { $0.request.sites != nil })
    }

    @Test("Programs delete by queries, and no such write changes an item that the query may find")
    func deletions() {
        let programs = (1...200).map { ProgramGenerator.program(seed: UInt64($0)) }
        var kinds: Set<[Bool]> = []
        for write in programs.flatMap(\.commands).flatMap(\.writes) {
            let actions = write.actions ?? []
            guard let deletion = actions.compactMap(\.deletion).first else { continue }
            kinds.insert([
                deletion.partition != nil, deletion.group != nil, deletion.site != nil,
            ])
            #expect(write.token == nil)
            let others = actions.filter { $0.deletion == nil }
            #expect(others.count == actions.count - 1)
            for action in others where deletion.site != nil { #expect(action.order == nil) }
            for action in others where deletion.site == nil {
                let isPlain = action.order == nil && !action.key.isPass
                #expect(!isPlain || (deletion.group == nil && action.key.p != deletion.partition))
            }
        }
        #expect(kinds.count == 3)
    }

    @Test("A write changes one pass at most, without a condition")
    func passes() {
        var count = 0
        for seed in 1...50 {
            let program = ProgramGenerator.program(seed: UInt64(seed))
            for write in program.commands.flatMap(\.writes) {
                let passes = (write.actions ?? []).filter { $0.key.isPass }
                #expect(passes.count <= 1)
                // The state of a pass may be open, so nothing else may depend on it.
                #expect(passes.allSatisfy { $0.condition == nil && $0.check == nil })
                count += passes.count
            }
        }
        #expect(count > 50)
    }

    @Test("Reads with and without turns, pages, and compactions that admit openings are there")
    func turns() {
        let programs = (1...200).map { ProgramGenerator.program(seed: UInt64($0)) }
        let commands = programs.flatMap(\.commands)
        for name in [Request.Name.read, .scan, .hold, .heldRead, .pages, .observe, .observed] {
            let found = commands.filter { $0.request.command == name }
            #expect(Set(found.map { $0.request.takesTurns == true }).count == 2)
        }
        let reads = commands.filter { $0.request.command == .read && $0.request.groups != nil }
        #expect(Set(reads.map { $0.request.pageLimit == nil }).count == 2)
        let compactions = commands.filter { $0.request.command == .compact }
        #expect(Set(compactions.map { $0.admitsOpenings == true }).count == 2)
        #expect(!commands.contains { $0.admitsOpenings != nil && !$0.isAlone })
        for command in commands
        where [Request.Name.observe, .observed].contains(command.request.command) {
            #expect((command.request.orders == nil) != (command.request.sites == nil))
        }
    }

    @Test("A program from before there were turns has none")
    func earlier() throws {
        let json = """
            {"commands":[{"id":1,"isAlone":true,"process":0,"request":{"command":"compact"}},
            {"id":2,"isAlone":false,"process":1,"request":{"command":"read","markers":true}}],
            "endsWithPowerCut":true,"faults":[],"processCount":2,"seed":7}
            """
        let commands = try Program(json: json).commands
        #expect(commands.map(\.admitsOpenings) == [nil, nil])
        #expect(commands.map(\.request.takesTurns) == [nil, nil])
    }

    @Test("Faults meet calls that can have them")
    func faults() {
        let target = Fault.Target.command(1)
        #expect(Fault(.fail, at: target, call: 0, error: 5).isPossible(at: .flush))
        #expect(!Fault(.fail, at: target, call: 0, error: 28).isPossible(at: .flush))
        #expect(!Fault(.fail, at: target, call: 0, error: 24).isPossible(at: .write))
        #expect(Fault(.shorten, at: target, call: 0).isPossible(at: .write))
        #expect(!Fault(.shorten, at: target, call: 0).isPossible(at: .rename))
        #expect(Fault(.die, at: target, call: 0).isPossible(at: .remove))
        #expect(Fault(.die, at: target, call: 0).isPossible(at: .step))
        #expect(!Fault(.fail, at: target, call: 0, error: 5).isPossible(at: .step))
    }

    @Test("The tables of the documents have all faults that can be planted")
    func plantedFaults() throws {
        let results = try Self.rows("Simulation.md", header: "| planted fault |")
        #expect(results.map(Self.firstCode) == Simulation.plantedFaults)
        // The table also has faults that only other tests find.
        let found = try Self.rows("Reliability.md", header: "| fault |")
            .filter { $0.contains("`make simulate`") }
        #expect(Set(found.map(Self.firstCode)) == Set(Simulation.plantedFaults))
    }

    /// The rows of the table of a document whose header begins with a text.
    private static func rows(_ document: String, header: String) throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Docs/\(document)"), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix(header) }.dropFirst(2).prefix { $0.hasPrefix("|") }
            .map(String.init)
    }

    /// The first code of a row, without its marks.
    private static func firstCode(_ row: String) -> String {
        row.split(separator: "`").dropFirst().first.map(String.init) ?? ""
    }
}
