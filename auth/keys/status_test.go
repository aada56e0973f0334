package keys

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatus(t *testing.T) {
	var d Document
	add(t, &d, "ci", atNoon)
	_, err := d.Rotate("ci", time.Hour, "", atNoon)
	require.NoError(t, err)
	_, err = d.Add(Key{ID: "short", Scopes: []string{"chat"}, Expires: noon.Add(time.Hour)}, atNoon)
	require.NoError(t, err)
	states := func(at time.Time) (list []State) {
		for _, s := range StatusOf(d.Keys, at) {
			list = append(list, s.State)
			for _, secret := range s.Secrets {
				list = append(list, secret.State)
			}
		}
		return list
	}
	require.Equal(t, []State{StateActive, StateEnding, StateActive, StateActive, StateActive}, states(noon))
	require.Equal(t, []State{StateActive, StateExpired, StateActive, StateExpired, StateActive}, states(noon.Add(time.Hour)))
	_, err = d.Revoke("ci", "2", 0, atNoon)
	require.NoError(t, err)
	require.Equal(t, []State{StateLocked, StateExpired, StateRevoked}, states(noon.Add(time.Hour))[:3])
	_, err = d.Rotate("ci", 0, "", Edit{Now: noon.Add(time.Hour)})
	require.NoError(t, err, "a locked key can be opened again")
	require.Equal(t, StateActive, d.Keys[0].State(noon.Add(time.Hour)))
	_, err = d.Revoke("ci", "", 0, atNoon)
	require.NoError(t, err)
	require.Equal(t, StateRevoked, states(noon)[0])
}
