# Writes nodes of 18 pools, and a Gateway for each with a policy that was split for its limit of 16 targets.
echo '{"apiVersion":"v1","kind":"List","items":[' > many.json; : > many.yaml
printf 'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: nginx}\nspec: {controllerName: gateway.nginx.org/nginx-gateway-controller}\n' > many.yaml
refs=; targets=; more=; comma=
for i in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18; do
  printf '%s{"apiVersion":"v1","kind":"Node","metadata":{"name":"n%s","labels":{"hcloud/node-group":"p%s"}},"spec":{"providerID":"hcloud://%s"}}\n' "$comma" $i $i $i >> many.json; comma=,
  printf -- '---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: web-p%s, namespace: shop}\nspec:\n  gatewayClassName: nginx\n  infrastructure: {annotations: {load-balancer.hetzner.cloud/node-selector: hcloud/node-group=p%s, load-balancer.hetzner.cloud/location: fsn1}}\n  listeners: [{name: http, port: 80, protocol: HTTP}]\n' $i $i >> many.yaml
  refs="$refs{name: web-p$i}, "
  target="{group: gateway.networking.k8s.io, kind: Gateway, name: web-p$i}, "
  if [ ${i#0} -le 16 ]; then targets="$targets$target"; else more="$more$target"; fi
done
echo ']}' >> many.json
printf -- '---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web, namespace: shop}\nspec: {parentRefs: [%s], rules: [{backendRefs: [{name: web, port: 80}]}]}\n' "$refs" >> many.yaml
printf -- '---\napiVersion: gateway.nginx.org/v1alpha1\nkind: ObservabilityPolicy\nmetadata: {name: trace, namespace: shop}\nspec: {targetRefs: [%s], tracing: {strategy: ratio}}\n' "$targets" >> many.yaml
printf -- '---\napiVersion: gateway.nginx.org/v1alpha1\nkind: ObservabilityPolicy\nmetadata: {name: trace-2, namespace: shop}\nspec: {targetRefs: [%s], tracing: {strategy: ratio}}\n' "$more" >> many.yaml
