import Foundation

/// What the command line asks for.
struct Settings: Sendable {
    /// What can be measured alone.
    enum Part: String, CaseIterable {
        case writes, reads, streams, recovery
    }

    /// The path of this program, which runs itself.
    var program = ""
    var directory = ".build-demo"
    var count = 1_000_000
    var rounds = 5
    /// How long a side writes or reads in a round; several checkpoints fall into it.
    var seconds = 4.0
    /// How long the long run takes.
    var minutes = 0.0
    /// How often the recovery is measured.
    var killCount = 3
    var only: Part?
    /// Who writes, if not all: for a profile of one side.
    var side: Side?
    /// What the child is to write to, and for how long.
    var child: (store: String, seconds: Double)?

    func includes(_ part: Part) -> Bool { only.map { $0 == part } ?? true }

    /// Reads the command line; ends the program if it is none.
    init(_ arguments: [String]) {
        var rest = arguments.makeIterator()
        program = rest.next() ?? "codex-durable"
        if arguments.contains("--quick") {
            (count, rounds, seconds, killCount) = (50_000, 3, 0.5, 1)
        }
        func number(_ option: String) -> Double {
            guard let value = rest.next().flatMap(Double.init), value > 0 else {
                Self.refuse("\(option) takes a number above zero")
            }
            return value
        }
        while let argument = rest.next() {
            switch argument {
            case "--quick": continue
            // The keys have seven digits.
            case "--count": count = Int(min(number(argument), 9_999_999))
            case "--minutes": minutes = number(argument)
            case "--only":
                guard let part = rest.next().flatMap(Part.init(rawValue:)) else {
                    Self.refuse(
                        "--only takes one of "
                            + Part.allCases.map(\.rawValue).joined(separator: ", "))
                }
                only = part
            case "--child-writer":
                guard let store = rest.next() else { Self.refuse("--child-writer takes a store") }
                child = (store, number(argument))
            case "--side":
                guard let found = rest.next().flatMap(Side.init(name:)) else {
                    Self.refuse(
                        "--side takes one of "
                            + Side.allCases.map { "\($0)" }.joined(separator: ", "))
                }
                (only, side) = (.writes, found)
            default:
                if argument.hasPrefix("-") { Self.refuse("there is no option \(argument)") }
                directory = argument
            }
        }
    }

    private static func refuse(_ reason: String) -> Never {
        note("\(reason); see the head of main.swift")
        exit(64)
    }
}
