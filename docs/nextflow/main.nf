// e2m task by task under Nextflow:
//
//     nextflow run main.nf --batch batch.toml                        # on this machine
//     nextflow run main.nf --batch batch.toml -process.executor slurm
//
// The results are where the batch file says.

include { E2M_STATUS; E2M_TASK; E2M_COLLECT } from './e2m.nf'

params.batch = 'batch.toml'

workflow {
    batch = file(params.batch, checkIfExists: true).toAbsolutePath().toString()
    E2M_STATUS(batch)
    tasks = E2M_STATUS.out
        .flatMap { json -> new groovy.json.JsonSlurper().parseText(json.text).tasks }
        .map { one -> tuple(batch, one.sample, one.dye, one.memory_bytes ?: 1000000000) }
    E2M_TASK(tasks)
    E2M_COLLECT(batch, E2M_TASK.out.collect())
}
