internal import Foundation

/// The memory that processes have.
public enum ProcessMemory {
    /// Whether the system tells it.
    public static var isAvailable: Bool { byteCount(of: getpid()) != nil }

    /// The resident bytes of a process that are of no file; `nil` if the system does not tell.
    ///
    /// A store's map is of its data file, and so it does not count.
    public static func byteCount(of process: Int32) -> Int? {
        let path = "/proc/\(process)/status"
        guard let status = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return anonymousByteCount(status)
    }

    /// The same, of the text that Linux has for a process.
    public static func anonymousByteCount(_ status: String) -> Int? {
        for line in status.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            let words = line.split { $0 == " " || $0 == "\t" }
            return words.count > 1 ? Int(words[1]).map { $0 << 10 } : nil
        }
        return nil
    }
}
