import Foundation

/// The simulation that the levels are calibrated with: one team whose work is a stream of points.
///
/// The speed of a project is a hidden multiple of the plan. It changes once, is different each day,
/// and is low at first. Tasks are added all the time, and their effort is not
/// their estimate.
struct WorkStream {
    private static let estimates = [1, 2, 3, 5, 8]

    private var random: SimulationRandom
    private let dayCount: Int
    private let plannedCount: Int
    private var tasks: [SimulatedTask] = []
    /// The points that are left of each task.
    private var effort: [Double] = []
    private var growth = 0.0
    private var skill = 0.0
    private var ramp = 0.0
    private var spread = 0.0
    private var turn = 0
    private var skillAfterTurn = 0.0
    private var scope = 0

    /// A project; the same seed gives the same one.
    static func project(seed: UInt64) -> SimulatedProject {
        var stream = WorkStream(seed: seed)
        stream.plan()
        stream.work()
        let target = SimulatedProject.Target(setOn: 0, day: stream.dayCount)
        return SimulatedProject(tasks: stream.tasks, targets: [target])
    }

    private init(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        dayCount = 30 + random.among(151)
        plannedCount = 10 + random.among(71)
        self.random = random
    }

    private mutating func plan() {
        for place in 0..<plannedCount {
            let estimate = random.chance(0.15) ? nil : Self.estimates[random.among(5)]
            var task = SimulatedTask(created: 0, estimate: estimate)
            task.isAssigned = random.chance(0.7)
            if random.chance(0.5) { task.due = dayCount * (place + 1) / plannedCount }
            tasks.append(task)
        }
        growth = random.between(0, 0.4)
        skill = exp(0.2 + 0.35 * random.normal())
        ramp = random.between(0, 0.25) * Double(dayCount)
        spread = random.between(0.1, 0.8)
        turn = Int(Double(dayCount) * random.between(0.1, 0.9))
        skillAfterTurn = exp(0.4 * random.normal())
        scope = tasks.reduce(0) { $0 + ($1.estimate ?? 3) }
        for task in tasks { addEffort(task.estimate ?? 3) }
    }

    private mutating func addEffort(_ points: Int) {
        effort.append(Double(points) * exp(0.4 * random.normal()))
    }

    private mutating func work() {
        var (place, pending) = (0, 0.0)
        let added = growth * Double(plannedCount) / Double(dayCount)
        for day in 0..<4 * dayCount where place < tasks.count {
            if day > 0, day <= dayCount {
                pending += added
                while pending >= 1 {
                    pending -= 1
                    addTask(day)
                }
            }
            var points = power(on: day)
            while points > 0, place < tasks.count {
                if tasks[place].started == nil { tasks[place].started = day }
                if effort[place] <= points {
                    points -= effort[place]
                    tasks[place].completed = day
                    place += 1
                } else {
                    effort[place] -= points
                    points = 0
                }
            }
        }
    }

    private mutating func addTask(_ day: Int) {
        let points = Self.estimates[random.among(5)]
        var task = SimulatedTask(created: day, estimate: random.chance(0.3) ? nil : points)
        task.isAssigned = random.chance(0.5)
        tasks.append(task)
        addEffort(points)
    }

    /// The points that are worked off on a day.
    private mutating func power(on day: Int) -> Double {
        let warm = ramp >= 1 ? min(1, 0.3 + 0.7 * Double(day + 1) / ramp) : 1
        let planned = Double(scope) / Double(dayCount)
        let daily = max(0, 1 + spread * random.normal())
        return planned * skill * (day >= turn ? skillAfterTurn : 1) * warm * daily
    }
}
