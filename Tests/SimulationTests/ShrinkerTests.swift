import Testing

@testable import Simulation

/// The search for the smallest program.
@Suite("Shrinking of simulated programs")
struct ShrinkerTests {
    private let finding = Finding(.presence, "an acknowledged write is lost", "17")

    private func program() -> Program {
        let commands = (1...50).map {
            Command(id: $0, process: $0 % 3, request: Request(.checkpoint))
        }
        let faults = (0..<4).map { Fault(.die, at: .command($0 * 10 + 1), call: $0) }
        return Program(seed: 1, processCount: 3, commands: commands, faults: faults)
    }

    @Test("What a finding needs stays, and all else goes")
    func smallest() {
        var count = 0
        let smallest = Shrinker.smallest(program(), showing: finding) { program in
            count += 1
            let ids = Set(program.commands.map(\.id))
            let calls = Set(program.faults.map(\.call))
            guard ids.isSuperset(of: [7, 31, 44]), calls.contains(2) else { return [] }
            // The detail is of other numbers.
            return [Finding(.presence, "an acknowledged write is lost", "\(ids.count)")]
        }
        #expect(smallest?.commands.map(\.id) == [7, 31, 44])
        #expect(smallest?.faults.map(\.call) == [2])
        #expect(count < 200)
    }

    @Test("Another finding does not count")
    func others() {
        let smallest = Shrinker.smallest(program(), showing: finding) { program in
            program.commands.count == 50 ? [self.finding] : [Finding(.hang, "all processes wait")]
        }
        #expect(smallest?.commands.count == 50)
    }

    @Test("The search ends after so many programs")
    func bounded() {
        var count = 0
        let smallest = Shrinker.smallest(
            program(), showing: finding, attemptCountMax: 5
        ) { program in
            count += 1
            return program.commands.count == 50 ? [self.finding] : []
        }
        #expect(smallest?.commands.count == 50)
        #expect(count == 5)
    }

    @Test("A finding that does not come again has no smallest program")
    func notAgain() {
        var count = 0
        let smallest = Shrinker.smallest(program(), showing: finding) { _ in
            count += 1
            return [Finding(.hang, "all processes wait")]
        }
        #expect(smallest == nil)
        #expect(count == 1)
    }
}
