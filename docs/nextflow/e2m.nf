// The processes of e2m for Nextflow (DSL 2), to be included in workflows; main.nf beside this file is one.
//
// `e2m` has to be on the PATH. `batch` is the whole path of a batch file: e2m reads and writes the folders that it names, which all
// machines have to see, and nothing of them is staged. Beside each task's results nothing is shared, so tasks run at the same time.
// What e2m has finished before, here or elsewhere, is not done again.

// As one word for the shell, whatever is in it.
def word(text) {
    "'" + text.toString().replace("'", "'\\''") + "'"
}

// The tasks of a batch, and the memory that each needs, as JSON.
process E2M_STATUS {
    input:
    val batch

    output:
    path 'status.json'

    // Exit code 1: an image cannot be read, which fails its task only.
    script:
    """
    e2m status --json ${word(batch)} > status.json || [ \$? -eq 1 ]
    """
}

// One task. Exit code 5 is a result to look at: the report says why.
process E2M_TASK {
    tag "${sample}/${dye}"
    cpus 4
    // What e2m plans to use at most, a quarter more, and half as much again where that was not enough.
    memory { "${(memory_bytes / 1e6 * 1.25 * 1.5 ** (task.attempt - 1)) as long} MB" }
    errorStrategy { task.attempt == 1 ? 'retry' : 'finish' }
    maxRetries 1

    input:
    tuple val(batch), val(sample), val(dye), val(memory_bytes)

    output:
    // The line with which e2m tells how it ended.
    path 'task.json'

    script:
    """
    E2M_CPUS=${task.cpus} e2m task ${word(batch)} --sample ${word(sample)} --dye ${word(dye)} --json > task.json || [ \$? -eq 5 ]
    """
}

// Result, table and report of the batch, when all of its tasks have ended.
process E2M_COLLECT {
    input:
    val batch
    val ended

    script:
    """
    e2m collect -q ${word(batch)} || [ \$? -eq 5 ]
    """
}
