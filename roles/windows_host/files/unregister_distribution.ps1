# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Removes a distribution with everything that is in it. JSON in: program (wsl.exe), name. JSON out: changed.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Get-Registration {
    foreach ($key in Get-ChildItem -LiteralPath 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss' -ErrorAction SilentlyContinue) {
        $entry = Get-ItemProperty -LiteralPath $key.PSPath
        if ($entry.PSObject.Properties['DistributionName'] -and $entry.DistributionName -eq $wish.name) { return $entry }
    }
    return $null
}

$changed = $null -ne (Get-Registration)
if ($changed -and $PSCmdlet.ShouldProcess($wish.name, 'Remove the distribution with everything in it')) {
    $said = & $wish.program --unregister $wish.name
    if ($LASTEXITCODE -ne 0) {
        $words = ($said -join ' ').Replace([string] [char] 0, '')
        throw "$($wish.name) could not be removed (wsl.exe ended with $LASTEXITCODE): $words"
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
