/** @module */
import { Graph } from '../ir/graph.ts'
import { concat, gather, gatherAlong } from '../ops/index.ts'

/**
 * Puts new keys and values into their cache, for runtimes whose memory the caller cannot write to: of each name
 * `<name>` [batch, kv_heads, capacity, head_size], `<name>_fresh` [batch, kv_heads, sequence, head_size] and `slots` int64 [slots] in;
 * `<name>_new` [batch, kv_heads, slots, head_size] out, whose slot s is that of number slots[s] in the two one after the other.
 */
export function keyValueCacheGraph(names: readonly string[]): Graph {
  const graph = new Graph('key_value_cache')
  const slots = graph.input('slots', 'int64', ['slots'])
  for (const name of names) {
    const cache = graph.input(name, 'float32', ['batch', 'heads', 'capacity', 'head_size'])
    const fresh = graph.input(`${name}_fresh`, 'float32', ['batch', 'heads', 'sequence', 'head_size'])
    graph.output(`${name}_new`, gatherAlong(concat([cache, fresh], 2), slots, 2))
  }
  return graph
}

/**
 * Chooses sequences of a cache: of each name `<name>` [batch, n_head, capacity, head_size] and `rows` int64 [chosen] in, `<name>_new`
 * [chosen, n_head, capacity, head_size] out.
 */
export function cacheRowsGraph(names: readonly string[]): Graph {
  const graph = new Graph('cache_rows')
  const rows = graph.input('rows', 'int64', ['chosen'])
  for (const name of names) {
    const cache = graph.input(name, 'float32', ['batch', 'heads', 'capacity', 'head_size'])
    graph.output(`${name}_new`, gather(cache, rows))
  }
  return graph
}
