internal import Foundation

/// An ext4 file system of its own in an image file, mounted through a loop device: what is in the
/// image is what a power cut would leave.
public final class LoopDisk {
    private let directory: String
    private let image: String
    /// Where it is mounted.
    public let path: String
    private var copies = 0

    /// Whether the machine lets tests mount file systems; says so if not.
    public static let isPossible: Bool = {
        let disk = try? LoopDisk()
        if disk == nil {
            print("SKIPPED: small disks and power cuts: this machine mounts no images of ext4")
        }
        return disk != nil
    }()

    /// Makes one of so many bytes, and mounts it.
    public init(byteCount: Int = 192 << 20) throws {
        directory = try Self.makeDirectory()
        image = directory + "/disk"
        path = directory + "/mounted"
        do {
            _ = FileManager.default.createFile(atPath: image, contents: nil)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: image))
            try file.truncate(atOffset: UInt64(byteCount))
            try file.close()
            try Self.run("mkfs.ext4", "-q", "-F", image)
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
            try Self.run("mount", "-o", "loop", image, path)
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            throw error
        }
    }

    private static func makeDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "/codex-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        return path
    }

    deinit {
        try? Self.run("umount", "-l", path)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Cuts the power: hands over where a copy of the image as it is now is mounted.
    ///
    /// Who writes must be stopped. With `flushed`, what the system has not written yet is written
    /// first; else it is lost.
    public func withCut<R>(
        flushed: Bool, stopped: () -> Void, resumed: () -> Void, _ body: (String) throws -> R
    ) throws -> R {
        copies += 1
        let copy = directory + "/cut-\(copies)"
        stopped()
        do {
            if flushed { try Self.run("sync", "-f", path) }
            try Self.run("cp", "--sparse=always", image, copy)
        } catch {
            resumed()
            throw error
        }
        resumed()
        defer { try? FileManager.default.removeItem(atPath: copy) }
        let mount = copy + ".mounted"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: mount) }
        try Self.run("mount", "-o", "loop", copy, mount)
        defer { try? Self.run("umount", "-l", mount) }
        return try body(mount)
    }

    private struct CommandFailed: Error {
        let command: String
    }

    private static func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailed(command: arguments.joined(separator: " "))
        }
    }
}
