import CodexStore
import CrashSupport
import Foundation
import TestSupport

/// Something that an operator did to a store's directory, until it is undone.
struct TortureTrouble {
    private let restore: () throws -> Void

    /// Puts everything back.
    func undo() throws { try restore() }

    /// One of them at random; `nil` if it cannot be done now.
    static func random(_ field: TortureField, _ random: inout SplitMix) throws -> Self? {
        switch random.below(3) {
        case 0: return try moved(field)
        case 1: return try replaced(field)
        default: return try unlinked(field, random.pick(names), isReplaced: random.chance(50))
        }
    }

    private static func move(_ path: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path, toPath: other)
    }

    /// The directory has another name.
    private static func moved(_ field: TortureField) throws -> Self {
        let (live, away) = (field.live, field.live + ".away")
        try move(live, to: away)
        return Self { try move(away, to: live) }
    }

    /// Another store is in its place.
    private static func replaced(_ field: TortureField) throws -> Self? {
        // On a full disk there is none.
        guard let stranger = try? field.makeStranger() else { return nil }
        let (live, away) = (field.live, field.live + ".away")
        try move(live, to: away)
        try move(stranger, to: live)
        return Self {
            try move(live, to: stranger)
            try move(away, to: live)
        }
    }

    private static let names = [
        "data.mdb", "lock.mdb", "lease.lock", "gate.lock", "checkpoint.lock", "log",
    ]

    /// A file is away, or a copy is in its place.
    private static func unlinked(
        _ field: TortureField, _ name: String, isReplaced: Bool
    ) throws -> Self? {
        // Somebody has the store open all the time: else the next to open it takes the copy for it.
        var options = StoreOptions(isReadOnly: true)
        options.lockTimeout = .milliseconds(100)
        guard let holder = try? Store(at: field.live, options: options) else { return nil }
        let (file, away) = ("\(field.live)/\(name)", "\(field.directory)/away-\(name)")
        try move(file, to: away)
        if isReplaced { try? FileManager.default.copyItem(atPath: away, toPath: file) }
        return Self {
            try putBack(away, at: file)
            holder.close()
        }
    }

    /// Moves a file back, in place of what an opening may have made there meanwhile.
    private static func putBack(_ away: String, at file: String) throws {
        repeat {
            try? FileManager.default.removeItem(atPath: file)
            if rename(away, file) == 0 { return }
        } while errno == EEXIST || errno == ENOTEMPTY
        throw CrashFinding(description: "\(away) cannot be moved back: errno \(errno)")
    }
}
