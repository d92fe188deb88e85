// Planning data of real teams, with all its irregularities, through the typed models:
//
//     swift run --package-path Examples PlanningImport Examples/Data/planning-sample.jsonl STORE
//
// A line is a proposal. Teams become projects, people become users, proposals become PRDs, and the
// milestones alpha, beta and stable become tasks. Every line is stored or reported, with its number
// and the reason.
//
// With `--rules` before the file, the program plays the teams' work through CodexFlow's services.
// It reports the refusals of the rules, and the analytics of the accepted commands. With `--risk`,
// it reports how well the risk analysis separates late proposals from punctual ones.

import Codex
import Foundation

@main
struct PlanningImport {
    static func main() async {
        var arguments = CommandLine.arguments.dropFirst()
        let way = arguments.first { $0.hasPrefix("--") }
        if way != nil { arguments = arguments.dropFirst() }
        guard arguments.count == 2, let file = arguments.first, let path = arguments.last,
            ["--rules", "--risk", nil].contains(way)
        else {
            complain("Usage: PlanningImport [--rules | --risk] DATA.jsonl STORE")
            exit(64)
        }
        do {
            let url = URL(fileURLWithPath: file)
            let isSound =
                switch way {
                case "--rules": try await play(url, path)
                case "--risk": try await rank(url, path)
                default: try await run(url, path)
                }
            exit(isSound ? 0 : 1)
        } catch let error as CodexError {
            complain("\(error.message) [\(error.code)]")
        } catch {
            complain(error.localizedDescription)
        }
        exit(1)
    }

    /// Imports a file and prints the store's answers; returns whether every line is accounted for.
    private static func run(_ file: URL, _ path: String) async throws -> Bool {
        let store = try Store(at: path, schema: CodexFlow.schema.adding(Participation.self))
        defer { store.close() }

        let summary = try await Importer(store: store, report: { print($0) }).importFile(at: file)
        try printPatterns(of: summary, in: store)

        let report = try store.verify()
        print(
            "verified: \(report.itemCount) items, \(report.entryCount) index entries, "
                + "\(report.differences.count) differences")
        print(
            "\(summary.lineCount) lines: \(summary.storedCount) stored "
                + "(\(summary.notedCount) of them with notes), \(summary.refusedCount) not stored")
        if !summary.isComplete { complain("The lines do not add up: this is a fault here.") }
        return summary.isComplete && report.isSound
    }

    /// Plays a file through the services and prints the outcome; returns whether everything is
    /// sound.
    private static func play(_ file: URL, _ path: String) async throws -> Bool {
        let store = try Store(at: path, schema: CodexFlow.schema)
        defer { store.close() }
        let rows = try Importer(store: store, report: { print($0) }).proposals(in: file)
        let ruled = RuledImport(store: store, report: { print($0) })
        let summary = try await ruled.play(rows)
        print("\n\(rows.count) rows, \(summary.commandCount) commands; refused, by rule:")
        for (rule, count) in summary.refusals.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            print("  \(rule.rawValue): \(count)")
        }
        if let first = summary.firstDay, let last = summary.lastDay {
            let workspace = CodexFlow.Workspace(store)
            print("\nAnalytics from \(first) through \(last)")
            for project in summary.projects.sorted(by: { $0.rawValue < $1.rawValue }) {
                let report = try await workspace.analyticsReport(
                    of: project, from: first, through: last)
                let lead = report.leadTimes.map {
                    "\($0.median / 86_400) and \($0.p95 / 86_400) days"
                }
                print(
                    "  \(project): \(report.tasksCompleted) completed, \(report.pointsCompleted) of "
                        + "\(report.states.last?.scope ?? 0) points, lead time median and p95 \(lead ?? "none")"
                )
            }
        }
        let verified = try store.verify()
        print("verified: \(verified.itemCount) items, \(verified.differences.count) differences")
        return verified.isSound
    }

    /// Ranks a file's proposals by risk; returns whether it found proposals to rank.
    private static func rank(_ file: URL, _ path: String) async throws -> Bool {
        let store = try Store(at: path, schema: CodexFlow.schema)
        defer { store.close() }
        let rows = try Importer(store: store, report: { _ in }).proposals(in: file)
        let check = RiskCheck(store: store)
        let outcome = try await check.run(rows.map(\.proposal), knowsStage: false)
        let hindsight = try await check.run(rows.map(\.proposal), knowsStage: true)
        let areas = [outcome, hindsight].map { ($0.area * 1000).rounded() / 1000 }
        print(
            """
            \(outcome.late.count) proposals became late, \(outcome.punctual.count) did not. One that did has \
            the higher risk with a probability (the area under the curve) of
              \(areas[0]) if all that was due is done
              \(areas[1]) if what the last stage leaves open was open then: an upper bound
            """)
        return !outcome.late.isEmpty && !outcome.punctual.isEmpty
    }

    /// Counts the results of the store's access patterns, all in one snapshot.
    private static func printPatterns(of summary: Importer.Summary, in store: Store) throws {
        let projects = summary.projects.sorted { $0.rawValue < $1.rawValue }
        try store.read { snapshot in
            print("\nPRDs by status")
            for status in CodexFlow.PRD.ApprovalStatus.allCases {
                var count = 0
                for project in projects {
                    count += try snapshot.count(.prds(in: project, approvalStatus: status))
                }
                print("  \(status.rawValue): \(count)")
            }

            print("Tasks by project")
            for project in projects {
                let count = try snapshot.count(.tasks(in: project))
                let done = try snapshot.count(.tasks(in: project, status: .done))
                print("  \(project): \(count), \(done) of them done")
            }

            print("Participations of \(summary.people.count) people by role")
            for role in Participation.Role.allCases {
                var count = 0
                for person in summary.people {
                    count += try snapshot.count(.participations(of: person, as: role))
                }
                print("  \(role.rawValue): \(count)")
            }
            print("")
        }
    }

    private static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("PlanningImport: \(text)\n".utf8))
    }
}
