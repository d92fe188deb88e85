import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What a workspace on a remote table refuses, and one on a store does not.
@Suite("Refusals of remote tables")
struct RemoteRefusalTests {
    // MARK: Encrypted fields

    @Test("A schema with encrypted fields is refused with their names, and a store takes it")
    func encryptedFields() async throws {
        let scene = try await LaggingScene()
        let schema = CodexFlow.schema.sealing(["metadata", "body"], of: CodexFlow.Task.self)
        do throws(CodexError) {
            _ = try CodexFlow.TableWorkspaceBackend(scene.table, schema: schema)
            Issue.record("It was not refused.")
        } catch {
            #expect(error.code == .unsupportedOperation)
            #expect(error.message.contains("Entity task has encrypted fields (body, metadata)"))
        }
        _ = try CodexFlow.TableWorkspaceBackend(scene.store, schema: schema)
    }

    // MARK: Analytics

    @Test("Figures of a table are an error, also if some were copied into it")
    func analytics() async throws {
        let scene = try await LaggingScene()
        let day = CalendarDay(scene.clock.now)
        for isCopied in [false, true] {
            if isCopied {
                try await scene.store.put(
                    CodexFlow.Analytics(
                        projectID: "p", date: day, metrics: .init(tasksCompleted: 7)))
            }
            await #expect(throws: CodexError(.unsupportedOperation, "")) {
                _ = try await scene.workspace.analyticsReport(of: "p", from: day, through: day)
            }
            await #expect(throws: CodexError(.unsupportedOperation, "")) {
                _ = try await scene.workspace.analyticsDays(of: "p", from: day, through: day)
            }
        }
        let embedded = CodexFlow.Workspace(scene.store)
        _ = try await embedded.analyticsReport(of: "p", from: day, through: day)
    }

    // MARK: Time zones

    @Test("A calendar of UTC has the days of UTC alone", arguments: UTCZone.all)
    func days(zone: UTCZone) throws {
        let instant = Date(timeIntervalSince1970: 1_795_833_000)
        let calendar = CodexFlow.UTCCalendar()
        guard zone.isUTC else {
            #expect(throws: CodexError(.unsupportedOperation, "")) {
                try calendar.day(of: instant, in: zone.name)
            }
            return
        }
        #expect(try calendar.day(of: instant, in: zone.name) == CalendarDay(instant))
    }

    @Test(
        "A workspace with such a calendar refuses what needs the day of another time zone",
        arguments: UTCZone.all.filter { $0.name.map { SystemCalendar().isTimeZone($0) } ?? true })
    func commands(zone: UTCZone) async throws {
        let scene = try await LaggingScene()
        try await scene.workspace.changeProject("p", by: "olga") { $0.timeZone = zone.name }
        let clock = scene.clock
        let plain = CodexFlow.Workspace(
            scene.backend, clock: { clock.now }, calendar: CodexFlow.UTCCalendar())
        let created = await Self.code {
            try await plain.createTask(in: "p", by: "mia", id: "a") { $0.title = "A" }
        }
        #expect(created == (zone.isUTC ? nil : .unsupportedOperation))
        let reported = await Self.code { _ = try await plain.riskReport(of: "p") }
        #expect((reported == .unsupportedOperation) == !zone.isUTC)
        let task = try await scene.workspace.get(.task("a", in: "p"))
        #expect((task != nil) == zone.isUTC)
        // The time zone itself can be changed.
        try await plain.changeProject("p", by: "olga") { $0.timeZone = "UTC" }
        try await plain.createTask(in: "p", by: "mia", id: "b") { $0.title = "B" }
    }

    /// The code of the error of a call; `nil` if it succeeds.
    private static func code(of call: () async throws -> Void) async -> CodexError.Code? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? CodexError)?.code ?? .invalidArgument
        }
    }
}

/// The name of a time zone, and whether it is UTC's.
struct UTCZone: Sendable {
    let name: String?
    let isUTC: Bool

    static let all = [
        Self(name: nil, isUTC: true), Self(name: "UTC", isUTC: true),
        Self(name: "Etc/UTC", isUTC: true), Self(name: "GMT", isUTC: true),
        Self(name: "Z", isUTC: true), Self(name: "Europe/Berlin", isUTC: false),
        Self(name: "Africa/Abidjan", isUTC: false), Self(name: "utc", isUTC: false),
        Self(name: "", isUTC: false),
    ]
}
