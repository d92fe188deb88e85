import Foundation

/// The simulation that the levels are judged with: people who take one task after the other.
///
/// It shares nothing with ``WorkStream`` but its random numbers. The effort of tasks has a heavy
/// tail. People have different speeds, work on weekdays and are away. Tasks wait for others and
/// are reopened. A change of plan adds many tasks on one day, teams hurry towards the target day,
/// and some targets are moved.
struct WorkTeam {
    private struct Person {
        let speed: Double
        var away = 0..<0
        var task: Int?
    }

    private var random: SimulationRandom
    private let plannedCount: Int
    private var dayCount = 0
    private var tasks: [SimulatedTask] = []
    private var effort: [Double] = []
    /// The task that each one waits for.
    private var requirements: [Int?] = []
    private var people: [Person] = []
    /// The open tasks without a person.
    private var queue: [Int]
    private var openCount: Int
    private var reopenings: [(day: Int, task: Int)] = []
    /// The day on which many tasks are added; -1 is none.
    private var burst = -1
    private var burstCount = 0
    private var hurry = 1.0
    private var movesTarget = false
    private var extensionShare = 0.0
    private var targets: [SimulatedProject.Target] = []

    /// A project; the same seed gives the same one.
    static func project(seed: UInt64) -> SimulatedProject {
        var team = WorkTeam(seed: seed)
        let peopleCount = 2 + team.random.among(5)
        team.plan(peopleCount)
        team.work()
        for (place, requirement) in team.requirements.enumerated() {
            guard let requirement else { continue }
            team.tasks[place].blockedUntil = team.tasks[requirement].completed ?? .max
        }
        return SimulatedProject(tasks: team.tasks, targets: team.targets)
    }

    private init(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        plannedCount = 12 + random.among(60)
        self.random = random
        queue = Array(0..<plannedCount)
        openCount = plannedCount
    }

    // MARK: The plan

    private mutating func plan(_ peopleCount: Int) {
        var total = 0
        for place in 0..<plannedCount {
            total += addTask(created: 0, unestimated: 0.25, assigned: 0.6)
            requirements[place] =
                place > 0 && random.chance(0.2) ? random.among(place) : nil
        }
        let buffer = exp(0.5 + 0.3 * random.normal())
        dayCount = max(20, Int(Double(total) / Double(peopleCount) * 7 / 5 * buffer))
        targets = [SimulatedProject.Target(setOn: 0, day: dayCount)]
        for place in tasks.indices where random.chance(0.4) {
            tasks[place].due = Int(Double(dayCount) * random.between(0.2, 1))
        }
        planPeople(peopleCount)
        if random.chance(0.5) { burst = Int(Double(dayCount) * random.between(0.2, 0.9)) }
        burstCount = Int(Double(plannedCount) * random.between(0.05, 0.35))
        hurry = random.between(1, 1.4)
        movesTarget = random.chance(0.3)
        extensionShare = random.between(0.15, 0.4)
    }

    private mutating func planPeople(_ count: Int) {
        for _ in 0..<count { people.append(Person(speed: random.between(0.6, 1.4))) }
        for place in people.indices {
            let first = random.among(dayCount)
            if random.chance(0.5) {
                people[place].away = first..<first + 5 + random.among(10)
            }
        }
    }

    /// Adds a task, and returns its size.
    private mutating func addTask(created: Int, unestimated: Double, assigned: Double) -> Int {
        let size = 1 + random.among(8)
        let estimate = random.chance(unestimated) ? nil : size
        var task = SimulatedTask(created: created, estimate: estimate)
        task.isAssigned = random.chance(assigned)
        tasks.append(task)
        effort.append(Double(size) * 0.7 * pow(1 - random.unit(), -0.4))
        requirements.append(nil)
        return size
    }

    // MARK: The work

    private mutating func work() {
        for day in 0..<4 * dayCount {
            if day == burst { addBurst(day) }
            reopenTasks(day)
            moveTarget(day)
            if day % 7 < 5 {
                for place in people.indices where !people[place].away.contains(day) {
                    workOn(day, place)
                }
            }
            let isReopeningLeft = reopenings.contains { $0.day > day }
            if openCount == 0, !isReopeningLeft, day >= burst { break }
        }
    }

    private mutating func addBurst(_ day: Int) {
        for _ in 0..<burstCount {
            _ = addTask(created: day, unestimated: 0.4, assigned: 0.4)
            queue.append(tasks.count - 1)
            openCount += 1
        }
    }

    private mutating func reopenTasks(_ day: Int) {
        for reopening in reopenings where reopening.day == day {
            tasks[reopening.task].reopened = day
            effort[reopening.task] = 0.5 + random.unit() * 2
            queue.insert(reopening.task, at: 0)
            openCount += 1
        }
    }

    private mutating func moveTarget(_ day: Int) {
        guard movesTarget, day == Int(0.7 * Double(dayCount)),
            Double(openCount) > 0.4 * Double(tasks.count)
        else { return }
        let target = Int(Double(dayCount) * (1 + extensionShare))
        targets.append(SimulatedProject.Target(setOn: day, day: target))
    }

    private mutating func workOn(_ day: Int, _ place: Int) {
        if people[place].task == nil { people[place].task = takeTask(day) }
        guard let task = people[place].task else { return }
        let target = targets.last?.day ?? dayCount
        let isHurried =
            Double(day) > 0.7 * Double(target)
            && Double(openCount) > 0.25 * Double(tasks.count)
        effort[task] -= people[place].speed * (isHurried ? hurry : 1)
        guard effort[task] <= 0 else { return }
        people[place].task = nil
        openCount -= 1
        guard tasks[task].completed == nil else {
            tasks[task].completedAgain = day
            return
        }
        tasks[task].completed = day
        if random.chance(0.1) { reopenings.append((day + 1 + random.among(10), task)) }
    }

    /// Takes the first task that waits for nothing.
    private mutating func takeTask(_ day: Int) -> Int? {
        let place = queue.firstIndex { task in
            requirements[task].map { tasks[$0].isDone(on: day) } ?? true
        }
        guard let place else { return nil }
        let task = queue.remove(at: place)
        if tasks[task].started == nil { tasks[task].started = day }
        return task
    }
}
