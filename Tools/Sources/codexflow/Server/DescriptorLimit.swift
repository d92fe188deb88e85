#if Server
    import CodexCore
    import Foundation

    /// The limit on the process's open files and connections (`RLIMIT_NOFILE`).
    enum DescriptorLimit {
        /// The number of descriptors that a server needs for a number of connections.
        ///
        /// The store has some tens of open files, and each event loop has three descriptors.
        static func count(forConnections count: Int) -> Int {
            count + 128 + 4 * ProcessInfo.processInfo.activeProcessorCount
        }

        /// Raises the process's limit to the need of the connections, if it is lower.
        ///
        /// Without it, connections beyond the limit would fail instead of waiting.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` if the hard limit is too low.
        static func raise(forConnections connectionCount: Int) throws(CodexError) {
            let needed = rlim_t(count(forConnections: connectionCount))
            var limit = rlimit()
            guard getrlimit(resource, &limit) == 0 else { throw failure(errno, needed) }
            guard limit.rlim_cur < needed else { return }
            guard limit.rlim_max >= needed else {
                throw CodexError(
                    .invalidArgument,
                    "\(connectionCount) connections need \(needed) open files, and this process may "
                        + "have \(limit.rlim_max). Raise the hard limit (ulimit -n \(needed)), or "
                        + "choose fewer --connections.")
            }
            limit.rlim_cur = needed
            guard setrlimit(resource, &limit) == 0 else { throw failure(errno, needed) }
        }

        private static func failure(_ code: Int32, _ needed: rlim_t) -> CodexError {
            CodexError(
                .inputOutput,
                "The limit of open files cannot be raised to \(needed) (\(code)). Raise it before "
                    + "the program starts: ulimit -n \(needed).")
        }

        #if canImport(Glibc)
            private static var resource: __rlimit_resource_t {
                __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            }
        #else
            private static var resource: Int32 { RLIMIT_NOFILE }
        #endif
    }
#endif
