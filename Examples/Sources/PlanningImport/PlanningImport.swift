// Planning data of real teams, with all its irregularities, through the typed models:
//
//     swift run --package-path Examples PlanningImport Examples/Data/planning-sample.jsonl STORE
//
// A line is a proposal. Teams become projects, people users, proposals PRDs, and the milestones
// alpha, beta and stable tasks. Every line is stored or reported, with its number and the reason.

import CodexCore
import CodexStore
import Foundation

@main
struct PlanningImport {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let file = arguments.first, let path = arguments.last else {
            complain("Usage: PlanningImport DATA.jsonl STORE")
            exit(64)
        }
        do {
            let isSound = try await run(URL(fileURLWithPath: file), path)
            exit(isSound ? 0 : 1)
        } catch let error as CodexError {
            complain("\(error.message) [\(error.code)]")
        } catch {
            complain(error.localizedDescription)
        }
        exit(1)
    }

    /// Imports a file and prints what the store answers; returns whether all is accounted for.
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

    /// Counts what the store's access patterns find, all of one moment.
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
        FileHandle.standardError.write(Data("PlanningImport: \(text)\n".utf8))
    }
}
