#if Remote
    import Foundation

    /// What processes have used of the machine.
    enum Usage {
        /// The time of processors that this process has used.
        static var ownProcessorTime: Duration { time(of: CLOCK_PROCESS_CPUTIME_ID) }

        /// The time of processors that another process has used.
        ///
        /// - Parameter id: The process.
        /// - Returns: The time; `nil` on a system that does not tell it.
        static func processorTime(ofProcess id: Int32) -> Duration? {
            #if os(Linux)
                var clock = clockid_t()
                guard clock_getcpuclockid(id, &clock) == 0 else { return nil }
                return time(of: clock)
            #else
                return nil
            #endif
        }

        private static func time(of clock: clockid_t) -> Duration {
            var time = timespec()
            clock_gettime(clock, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }

        /// The most memory that this process has had so far, in MiB; `nil` on a system that does
        /// not tell it.
        static var peakMiB: Double? {
            let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            for line in (text ?? "").split(separator: "\n") where line.hasPrefix("VmHWM:") {
                return Double(line.filter(\.isNumber)).map { $0 / 1024 }
            }
            return nil
        }
    }

    /// The time of a measurement, and the processors that were at work in it.
    struct Stopwatch: Sendable {
        private let start = ContinuousClock.now
        private let own = Usage.ownProcessorTime
        private let served: Duration?
        private let serverID: Int32

        /// Starts to measure.
        ///
        /// - Parameter serverID: The process of the server that is at work.
        init(serverID: Int32) {
            self.serverID = serverID
            served = Usage.processorTime(ofProcess: serverID)
        }

        /// The seconds since the start.
        var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

        /// The processors that the client and the server have used since the start.
        ///
        /// They tell what limits a rate: together they cannot use more than the machine has.
        ///
        /// - Parameter name: What was measured.
        /// - Returns: A figure of each.
        func processors(_ name: String) -> [Figure] {
            let elapsed = seconds
            let client = (Usage.ownProcessorTime - own) / .seconds(1)
            var figures = [
                Figure("\(name): processors of the client", client / elapsed, "processors")
            ]
            if let served, let now = Usage.processorTime(ofProcess: serverID) {
                let time = (now - served) / .seconds(1)
                figures.append(
                    Figure("\(name): processors of the server", time / elapsed, "processors"))
            }
            return figures
        }
    }
#endif
