internal import CodexCLMDB
internal import CodexCore

/// A version of liblmdb.
///
/// A process may load another one than that whose header it was compiled with.
struct LMDBVersion: Equatable, CustomStringConvertible {
    let major: Int
    let minor: Int
    let patch: Int

    /// The version that this process has loaded; it is asked for once.
    static let loaded: LMDBVersion = {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        _ = unsafe mdb_version(&major, &minor, &patch)
        return LMDBVersion(major: Int(major), minor: Int(minor), patch: Int(patch))
    }()

    /// Whether its files are those that Codex reads and writes beside it.
    ///
    /// 0.9.70 and 0.9.90 are what development versions call themselves: the first has another lock
    /// file, the second has 1.0's pages.
    var isSupported: Bool { major == 0 && minor == 9 && patch < 70 }

    var description: String { "\(major).\(minor).\(patch)" }

    /// Throws unless the version is supported.
    ///
    /// - Parameter path: The store that is to be opened.
    /// - Throws: ``CodexError/Code/unsupportedFormat``.
    func requireSupported(opening path: String) throws(CodexError) {
        guard isSupported else {
            throw CodexError(
                .unsupportedFormat,
                "The process has loaded liblmdb \(self), and \(path) needs liblmdb 0.9, which has "
                    + "other formats. Let the loader find 0.9 (LD_LIBRARY_PATH, or an rpath). See "
                    + "Docs/Format.md, \"Versions of LMDB\".")
        }
    }
}
